// What the host can spare, the same before a fault starts and while it lasts. Pure but for
// space_of.
#pragma once

#include <cstdint>

#include "controller/api/error.h"
#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"

namespace chaos::stress {

// A difference that is not below 0, and a share (of 1) of a whole.
[[nodiscard]] inline std::uint64_t less(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}
[[nodiscard]] inline std::uint64_t share_of(double share, std::uint64_t whole) {
    return static_cast<std::uint64_t>(share * static_cast<double>(whole));
}

// How much a stressor may hold of it at most; `held`: what it holds already.
[[nodiscard]] std::uint64_t most_of(const HostMemory& host, std::uint64_t held);
[[nodiscard]] std::uint64_t most_of(const HostPids& host, std::uint64_t held);

// The host's memory as the limit of a container that has none.
[[nodiscard]] Level level_of(const HostMemory& host);

// A file system, bytes.
struct Space {
    std::uint64_t total = 0;
    std::uint64_t free = 0;  // for anybody, root's reserve not counted
};
// How many bytes more can be taken; below 0 where too many are.
[[nodiscard]] std::int64_t room_of(const Space& space);
// Of the file system that an open file or directory is on. Errors: kUnavailable.
[[nodiscard]] Result<Space> space_of(int descriptor);

}  // namespace chaos::stress
