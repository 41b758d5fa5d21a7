#include "reconcilers/network/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace chaos::network {
namespace {

std::unexpected<Error> from_errno(const std::string& doing) {
    const auto code = errno == ENOENT || errno == ESRCH   ? ErrorCode::kNotFound
                      : errno == EPERM || errno == EACCES ? ErrorCode::kPermission
                                                          : ErrorCode::kUnavailable;
    return fail(code, doing + ": " + std::strerror(errno));
}

}  // namespace

Result<Namespace> Namespace::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return from_errno(path);
    struct stat info{};
    if (::fstat(fd, &info) != 0) {
        auto error = from_errno(path);
        ::close(fd);
        return error;
    }
    return Namespace{fd, info.st_ino};
}

Namespace::Namespace(Namespace&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), inode_(other.inode_) {}

Namespace& Namespace::operator=(Namespace&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(inode_, other.inode_);
    return *this;
}

Namespace::~Namespace() {
    if (fd_ >= 0) ::close(fd_);
}

Result<> Namespace::run(const std::function<void()>& work) const {
    Result<> entered;
    try {
        std::thread{[&] {
            if (::setns(fd_, CLONE_NEWNET) != 0) {
                entered = from_errno("enter the network namespace");
                return;
            }
            work();
        }}.join();
    } catch (const std::system_error& none) {
        return fail(ErrorCode::kUnavailable, std::string{"no thread: "} + none.what());
    }
    return entered;
}

std::string namespace_path(int pid) { return "/proc/" + std::to_string(pid) + "/ns/net"; }

unsigned long namespace_of(int pid) {
    struct stat info{};
    return ::stat(namespace_path(pid).c_str(), &info) == 0 ? info.st_ino : 0;
}

bool is_of_host(const Namespace& space) {
    return space.inode() == namespace_of(::getpid()) || space.inode() == namespace_of(1);
}

}  // namespace chaos::network
