// Keeps memory in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"
#include "reconcilers/stress/orders.h"

namespace chaos::stressor {

// What the goal follows from. What is held is counted in what is used.
struct MemoryFacts {
    std::uint64_t held = 0;
    std::vector<stress::Level> levels;  // none: the container has no limit
    stress::HostMemory host;
};
struct MemoryGoal {
    std::uint64_t bytes = 0;
    bool held_back = false;  // the host needs the rest
};
// How much to hold in the end. Pure.
[[nodiscard]] MemoryGoal memory_goal(const stress::Orders& orders, const MemoryFacts& facts);

class MemoryHog {
public:
    MemoryHog() = default;
    MemoryHog(const MemoryHog&) = delete;
    MemoryHog& operator=(const MemoryHog&) = delete;
    ~MemoryHog() { shrink_to(0); }

    // One step towards the goal, a bounded one, so that limits are looked at again in between.
    // True where there is more to do.
    bool step(std::uint64_t goal);
    [[nodiscard]] std::uint64_t held() const { return held_; }
    // errno of the last attempt to get more; 0: it succeeded.
    [[nodiscard]] int error() const { return error_; }
    // Uses every page once, which keeps them from being swapped out.
    void touch() const;

private:
    struct Block {
        void* start;
        std::size_t size;
    };
    void grow_by(std::size_t size);
    void shrink_to(std::uint64_t size);

    std::vector<Block> blocks_;
    std::uint64_t held_ = 0;
    int error_ = 0;
};

// Obeys until the process ends: to be run on a thread of its own.
class MemoryWorker {
public:
    MemoryWorker(stress::Shared& shared, const stress::Cgroup& cgroup)
        : shared_(shared), cgroup_(cgroup) {}
    void run();

private:
    // Brings what is held nearer to the goal; true where there is more to do.
    bool obey(const stress::Orders& orders);
    // Absent where it is not known what is used: then nothing must grow.
    [[nodiscard]] std::optional<MemoryFacts> look();
    [[nodiscard]] double ramped(const stress::Orders& orders);
    void keep_in_use(bool swap);

    stress::Shared& shared_;
    const stress::Cgroup& cgroup_;
    MemoryHog hog_;
    bool had_limit_ = false;
    std::int64_t touched_ns_ = 0;
    std::int64_t started_ns_ = 0;
};

}  // namespace chaos::stressor
