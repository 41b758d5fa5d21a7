#include "reconcilers/container/process.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace chaos::container {
namespace {

class FileDescriptor {
public:
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

std::unexpected<Error> from_errno(const std::string& doing) {
    auto code = ErrorCode::kInternal;
    if (errno == ESRCH || errno == ENOENT) code = ErrorCode::kNotFound;
    if (errno == EPERM || errno == EACCES) code = ErrorCode::kPermission;
    return fail(code, doing + ": " + std::strerror(errno));
}

}  // namespace

bool in_container(std::string_view cgroup_file, std::string_view container_id) {
    if (container_id.size() < 64) return false;
    while (!cgroup_file.empty()) {
        const auto end = std::min(cgroup_file.find('\n'), cgroup_file.size());
        const auto line = cgroup_file.substr(0, end);
        // Below the container's own cgroup there may be others, made by its processes.
        if (line.find(container_id) != std::string_view::npos) return true;
        cgroup_file.remove_prefix(std::min(end + 1, cgroup_file.size()));
    }
    return false;
}

Result<> signal_process(int pid, const std::string& container_id, int signal) {
    const auto who = "process " + std::to_string(pid);
    // glibc 2.36 has wrappers, older ones do not; the numbers are the same everywhere.
    const FileDescriptor process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (process.get() < 0) return from_errno(who + ": pidfd_open");
    std::ifstream file{"/proc/" + std::to_string(pid) + "/cgroup"};
    std::ostringstream text;
    text << file.rdbuf();
    if (!in_container(text.str(), container_id)) {
        return fail(ErrorCode::kNotFound,
                    who + " is not of container " + container_id.substr(0, 12));
    }
    if (::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) != 0) {
        return from_errno(who + ": pidfd_send_signal");
    }
    return {};
}

}  // namespace chaos::container
