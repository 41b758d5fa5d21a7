#pragma once

#include <chrono>
#include <ctime>

namespace chaos::stressor {

inline std::chrono::nanoseconds now(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace chaos::stressor
