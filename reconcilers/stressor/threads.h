// Threads that nobody waits for.
#pragma once

#include <system_error>
#include <thread>
#include <utility>

namespace chaos::stressor {

// False where there can be no more: the container's limit of processes counts threads.
template <class Work>
bool run_detached(Work work) {
    try {
        std::thread{std::move(work)}.detach();
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

}  // namespace chaos::stressor
