// How stressors learn that nobody is left to end them: whoever would (the controller, its guard)
// holds a shared lock on a file of the state directory, which the kernel takes back when they die,
// however they die. A stressor that gets the lock for itself ends.
#pragma once

#include <cstdint>
#include <string>

#include "controller/api/error.h"

namespace chaos::stress {

class Keeper {
public:
    Keeper() = default;
    Keeper(Keeper&& other) noexcept;
    Keeper& operator=(Keeper&& other) noexcept;
    ~Keeper();

    // Holds the lock until it is destroyed or the process ends. Waits a moment for stressors that
    // are just ending. Errors: kUnavailable.
    [[nodiscard]] static Result<Keeper> hold(const std::string& state_dir);

    // A descriptor for a stressor, of an open file of its own: locks belong to those.
    [[nodiscard]] Result<int> open_another() const;

    // Which file it is.
    [[nodiscard]] std::uint64_t device() const { return device_; }
    [[nodiscard]] std::uint64_t inode() const { return inode_; }

private:
    int fd_ = -1;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
};

}  // namespace chaos::stress
