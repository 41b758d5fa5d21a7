#include "reconcilers/stress/spare.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "reconcilers/stress/orders.h"

namespace chaos::stress {

std::uint64_t most_of(const HostMemory& host, std::uint64_t held) {
    return less(host.available + held, host.total - share_of(kHostMemoryShare, host.total));
}

std::uint64_t most_of(const HostPids& host, std::uint64_t held) {
    return less(share_of(kHostPidsShare, host.limit), less(host.used, held));
}

Level level_of(const HostMemory& host) { return {host.total, less(host.total, host.available)}; }

std::int64_t room_of(const Space& space) {
    return static_cast<std::int64_t>(space.free) -
           static_cast<std::int64_t>(share_of(kDiskFreeShare, space.total));
}

Result<Space> space_of(int descriptor) {
    struct statvfs status{};
    if (::fstatvfs(descriptor, &status) != 0) {
        return fail(ErrorCode::kUnavailable, std::string{"statvfs: "} + std::strerror(errno));
    }
    return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

}  // namespace chaos::stress
