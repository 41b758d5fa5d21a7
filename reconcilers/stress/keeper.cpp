#include "reconcilers/stress/keeper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace chaos::stress {
namespace {

std::unexpected<Error> failed(const std::string& what) {
    return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno));
}

}  // namespace

Keeper::Keeper(Keeper&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), device_(other.device_), inode_(other.inode_) {}

Keeper& Keeper::operator=(Keeper&& other) noexcept {
    std::swap(fd_, other.fd_);
    device_ = other.device_;
    inode_ = other.inode_;
    return *this;
}

Keeper::~Keeper() {
    if (fd_ >= 0) ::close(fd_);
}

Result<Keeper> Keeper::hold(const std::string& state_dir) {
    const auto path = state_dir + "/keepers.lock";
    Keeper keeper;
    keeper.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (keeper.fd_ < 0) return failed(path);
    constexpr int kTries = 300;
    for (int i = 0; ::flock(keeper.fd_, LOCK_SH | LOCK_NB) != 0; ++i) {
        if (i == kTries) return failed(path + ": held by a stressor that does not end");
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    struct stat status{};
    if (::fstat(keeper.fd_, &status) != 0) return failed(path);
    keeper.device_ = status.st_dev;
    keeper.inode_ = status.st_ino;
    return keeper;
}

Result<int> Keeper::open_another() const {
    const auto path = "/proc/self/fd/" + std::to_string(fd_);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    return fd < 0 ? Result<int>{failed("keepers.lock")} : Result<int>{fd};
}

}  // namespace chaos::stress
