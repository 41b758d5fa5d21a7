#include "reconcilers/stressor/decoys.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "reconcilers/stress/orders.h"

namespace chaos::stressor {
namespace {

// Each is good for the time that the end of a process takes.
constexpr std::size_t kCount = 4;

// Not by PR_SET_PDEATHSIG: that comes with the end of the parent's thread, and the process ends,
// and gives its memory back, with the last of them.
[[noreturn]] void wait_for_the_end_of(int stressor) {
    ::prctl(PR_SET_NAME, stress::kDecoy);
    ::dup2(stressor, 0);
    ::syscall(SYS_close_range, 1U, ~0U, 0U);
    pollfd poll{0, POLLIN, 0};
    while (::poll(&poll, 1, -1) < 0 && errno == EINTR) {
    }
    ::_exit(0);
}

}  // namespace

void Decoys::keep() {
    std::erase_if(pids_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == pid; });
    while (pids_.size() < kCount) {
        const auto self = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
        const auto pid = self < 0 ? -1 : ::fork();
        if (pid == 0) wait_for_the_end_of(self);
        if (self >= 0) ::close(self);
        if (pid < 0) return;  // the container may have no more processes: there are fewer, then
        pids_.push_back(pid);
    }
}

}  // namespace chaos::stressor
