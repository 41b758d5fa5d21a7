#include "reconcilers/stressor/cpu.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <thread>

#include "reconcilers/stressor/clock.h"
#include "reconcilers/stressor/threads.h"

namespace chaos::stressor {
namespace {

using std::chrono::nanoseconds;

// Short against the 100 ms of a CPU limit's period, long against what falling asleep costs.
constexpr nanoseconds kWindow = std::chrono::milliseconds{10};
// What was not had, for want of a processor or while frozen, is not made up for beyond this.
constexpr nanoseconds kLongestDebt = std::chrono::milliseconds{100};

// Some microseconds of work that no compiler leaves out.
void work() {
    static thread_local volatile double number = 1;
    for (int i = 0; i < 2000; ++i) number = number * 1.000000001 + 1e-9;
}

// At least that the debt is one again, at most a window.
void rest(nanoseconds time) {
    std::this_thread::sleep_for(
        std::clamp<nanoseconds>(time, std::chrono::milliseconds{1}, kWindow));
}

}  // namespace

// Works off what it owes: its share of the time that has passed, less what it has used.
void CpuLoad::run(const Worker& worker) {
    auto last = now(CLOCK_MONOTONIC);
    auto used = now(CLOCK_THREAD_CPUTIME_ID);
    nanoseconds debt{0};
    while (!worker.stop) {
        const auto time = now(CLOCK_MONOTONIC);
        const auto spent = now(CLOCK_THREAD_CPUTIME_ID);
        const double part = worker.share;
        debt += nanoseconds{std::llround(part * static_cast<double>((time - last).count()))};
        debt = std::clamp(debt - (spent - used), -kLongestDebt, kLongestDebt);
        last = time;
        used = spent;
        if (debt > nanoseconds{0}) {
            const auto until = spent + std::min(debt, kWindow);
            while (now(CLOCK_THREAD_CPUTIME_ID) < until && !worker.stop) work();
        } else {
            const double wait = part > 0 ? static_cast<double>(-debt.count()) / part : 1e9;
            rest(nanoseconds{std::llround(std::min(wait, 1e9))});
        }
    }
}

bool CpuLoad::obey(const stress::Orders& orders, const stress::Limits& limits, int cpus) {
    const double load = orders.cpu_load * stress::cpus_allowed(limits, cpus);
    auto count = static_cast<std::size_t>(std::max(0, orders.cpu_workers));
    if (count == 0 && load > 0) count = static_cast<std::size_t>(std::ceil(load - 1e-6));
    if (load <= 0) count = 0;
    while (workers_.size() > count) {
        workers_.back()->stop = true;
        workers_.pop_back();
    }
    bool more = true;
    while (more && workers_.size() < count) {
        auto worker = std::make_shared<Worker>();
        more = run_detached([worker] { run(*worker); });
        if (more) workers_.push_back(std::move(worker));
    }
    const double share = count == 0 ? 0 : std::min(1.0, load / static_cast<double>(count));
    for (const auto& worker : workers_) worker->share = share;
    return more;
}

}  // namespace chaos::stressor
