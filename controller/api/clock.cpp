#include "controller/api/clock.h"

#include <ctime>

namespace chaos {

TimePoint wall_now() { return std::chrono::system_clock::now(); }

TimePoint boot_now() {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return TimePoint{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
}

}  // namespace chaos
