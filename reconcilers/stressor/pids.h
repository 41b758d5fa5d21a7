// Takes up process numbers: threads that sleep, which the kernel counts as it counts processes.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"
#include "reconcilers/stress/orders.h"

namespace chaos::stressor {

// How many to hold. What is held is counted in what is used. Pure.
struct PidFacts {
    std::uint64_t held = 0;
    std::vector<stress::Level> levels;
    stress::HostPids host;
};
struct PidGoal {
    std::uint64_t count = 0;
    bool held_back = false;
};
[[nodiscard]] PidGoal pid_goal(const stress::Orders& orders, const PidFacts& facts);

class PidHog {
public:
    PidHog() = default;
    PidHog(const PidHog&) = delete;
    PidHog& operator=(const PidHog&) = delete;

    // One step towards the goal, a bounded one.
    void step(std::uint64_t goal);
    [[nodiscard]] std::uint64_t held() const { return sleepers_.size(); }
    [[nodiscard]] int error() const { return error_; }

private:
    struct Sleeper {
        PidHog* hog;
        std::uint64_t number;
        pthread_t thread;
    };
    static void* sleep(void* self);
    void want(std::uint64_t count);
    void grow();

    std::deque<Sleeper> sleepers_;  // whose places do not move
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t wanted_ = 0;  // those with a number below it sleep on
    int error_ = 0;
};

}  // namespace chaos::stressor
