// Takes up disk space, and reads and writes files. All files are without a name: the kernel frees
// them with the process, however that ends.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "reconcilers/stress/orders.h"

namespace chaos::stressor {

// A file in the directory of kDirectoryFd that nobody else can open; -1 and errno where it cannot
// be made.
[[nodiscard]] int make_nameless_file();

// Obeys until the process ends: to be run on a thread of its own.
void fill_disk(stress::Shared& shared);

// Writes and reads, each worker in a file of its own.
class IoLoad {
public:
    explicit IoLoad(stress::Shared& shared) : shared_(shared) {}
    // False where there can be no more threads.
    bool obey(const stress::Orders& orders);

private:
    using Stop = std::shared_ptr<std::atomic<bool>>;

    stress::Shared& shared_;
    // One a worker, shared with its thread, which nobody waits for: a write to a throttled disk
    // takes as long as it takes.
    std::vector<Stop> workers_;
};

}  // namespace chaos::stressor
