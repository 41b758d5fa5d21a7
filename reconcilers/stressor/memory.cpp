#include "reconcilers/stressor/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "reconcilers/stress/spare.h"
#include "reconcilers/stressor/clock.h"

namespace chaos::stressor {
namespace {

constexpr std::uint64_t kLargestStep = 16U << 20U;
constexpr std::uint64_t kSmallestStep = 256U << 10U;
constexpr auto kTick = std::chrono::milliseconds{100};
// The kernel charges pages in batches and counts with a delay; following every one would be noise.
constexpr double kTolerance = 0.005;

}  // namespace

MemoryGoal memory_goal(const stress::Orders& orders, const MemoryFacts& facts) {
    const auto& host = facts.host;
    std::uint64_t goal = orders.memory_bytes;
    if (orders.memory_share > 0) {
        // Up to the share in all: whatever is used besides is not added.
        const std::vector<stress::Level> whole{stress::level_of(host)};
        goal = stress::goal_of_share(orders.memory_share,
                                     facts.levels.empty() ? whole : facts.levels, facts.held);
    }
    for (const auto& level : facts.levels) goal = std::min(goal, level.limit);
    const auto most = stress::most_of(host, facts.held);
    return goal > most ? MemoryGoal{most, true} : MemoryGoal{goal, false};
}

void MemoryHog::grow_by(std::size_t size) {
    error_ = 0;
    void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        error_ = errno;
        return;
    }
    // Or each helper that is forked later would keep the pages from being given back. Of kernels
    // that cannot, the helpers share them.
    static_cast<void>(::madvise(start, size, MADV_DONTFORK));
    std::memset(start, 0x5a, size);
    blocks_.push_back({start, size});
    held_ += size;
}

void MemoryHog::touch() const {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const auto& block : blocks_) {
        const volatile char* bytes = static_cast<const char*>(block.start);
        for (std::size_t at = 0; at < block.size; at += page) static_cast<void>(bytes[at]);
    }
}

void MemoryHog::shrink_to(std::uint64_t size) {
    while (held_ > size && !blocks_.empty()) {
        auto& last = blocks_.back();
        const auto off = std::min<std::uint64_t>(last.size, held_ - size);
        last.size -= off;
        held_ -= off;
        ::munmap(static_cast<char*>(last.start) + last.size, off);
        if (last.size == 0) blocks_.pop_back();
    }
}

bool MemoryHog::step(std::uint64_t goal) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    goal -= goal % page;
    if (goal <= held_) {
        shrink_to(goal);
        return false;
    }
    // A part of the way only: somebody else may be on the same way.
    const auto gap = goal - held_;
    auto by =
        std::min<std::uint64_t>(std::max(gap / 4, std::min(gap, kSmallestStep)), kLargestStep);
    by -= by % page;
    grow_by(static_cast<std::size_t>(std::max(by, page)));
    return held_ < goal && error_ == 0;
}

std::optional<MemoryFacts> MemoryWorker::look() {
    MemoryFacts facts{
        .held = hog_.held(), .levels = cgroup_.memory_levels(), .host = stress::host_memory()};
    // A limit that is gone, or cannot be read, makes the host the limit: nobody has asked for that.
    if (facts.levels.empty() && had_limit_) return std::nullopt;
    had_limit_ = !facts.levels.empty();
    return facts.host.total == 0 ? std::nullopt : std::optional{facts};
}

double MemoryWorker::ramped(const stress::Orders& orders) {
    const auto time = now(CLOCK_MONOTONIC).count();
    if (started_ns_ == 0) started_ns_ = time;
    if (orders.memory_ramp_ns <= 0) return 1;
    return std::min(
        1.0, static_cast<double>(time - started_ns_) / static_cast<double>(orders.memory_ramp_ns));
}

// What is swapped out is not in use. It is not locked for that: when the kernel ends the stressor
// for want of memory, it could not take locked memory back at once (mm/oom_kill.c,
// __oom_reap_task_mm), and would go on with the container's own processes.
void MemoryWorker::keep_in_use(bool swap) {
    constexpr std::int64_t kInterval = 1'000'000'000;
    const auto time = now(CLOCK_MONOTONIC).count();
    if (!swap || time < touched_ns_ + kInterval) return;
    touched_ns_ = time;
    hog_.touch();
}

bool MemoryWorker::obey(const stress::Orders& orders) {
    const auto facts = look();
    if (!facts) return false;
    auto& report = shared_.report;
    const auto full = memory_goal(orders, *facts);
    const auto goal = stress::share_of(ramped(orders), full.bytes);
    const auto off = std::max(goal, facts->held) - std::min(goal, facts->held);
    const bool more = off > stress::share_of(kTolerance, goal) && hog_.step(goal);
    keep_in_use(facts->host.swap > 0);
    report.memory_goal = full.bytes;
    report.memory_held_back = full.held_back ? 1 : 0;
    report.memory_bytes = hog_.held();
    report.memory_error = static_cast<std::uint64_t>(hog_.error());
    return more;
}

void MemoryWorker::run() {
    for (;;) {
        const auto given = stress::orders_of(shared_);
        if (!given || !obey(given->orders)) std::this_thread::sleep_for(kTick);
    }
}

}  // namespace chaos::stressor
