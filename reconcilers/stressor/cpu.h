// Uses up a share of the processors' time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/orders.h"

namespace chaos::stressor {

class CpuLoad {
public:
    // Has as many workers as the load takes now, each with its part of it; follows the limits of
    // the control group. False where there can be no more threads.
    bool obey(const stress::Orders& orders, const stress::Limits& limits, int cpus);
    [[nodiscard]] std::size_t workers() const { return workers_.size(); }

private:
    // Shared with its thread, which nobody waits for: it may be throttled.
    struct Worker {
        std::atomic<double> share{0};  // of one processor
        std::atomic<bool> stop{false};
    };
    static void run(const Worker& worker);

    std::vector<std::shared_ptr<Worker>> workers_;
};

}  // namespace chaos::stressor
