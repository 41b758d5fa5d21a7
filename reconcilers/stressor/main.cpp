// chaos-stressor: uses up what its orders say, in the control groups that it was started in, until
// they end, the container ends, or nobody is left who would end it. Started by chaos-controller
// only; orders.h says with which descriptors. It touches nothing but those and its own memory, and
// has no right to more.
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <limits>

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"
#include "reconcilers/stress/mapping.h"
#include "reconcilers/stressor/clock.h"
#include "reconcilers/stressor/cpu.h"
#include "reconcilers/stressor/decoys.h"
#include "reconcilers/stressor/disk.h"
#include "reconcilers/stressor/memory.h"
#include "reconcilers/stressor/pids.h"
#include "reconcilers/stressor/threads.h"

namespace chaos::stressor {
namespace {

// How often limits, the end and the keepers are looked at.
constexpr int kTickMs = 50;

// What was set for the controller is not meant for this: how it is scheduled, what it may have.
void shed_inheritance() {
    cpu_set_t all;
    std::memset(&all, 0xff, sizeof all);
    ::sched_setaffinity(0, sizeof all, &all);  // the kernel leaves what the cpuset allows
    const sched_param ordinary{};
    ::sched_setscheduler(0, SCHED_OTHER, &ordinary);
    ::setpriority(PRIO_PROCESS, 0, 0);
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    for (const auto limit : {RLIMIT_NPROC, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA}) {
        ::setrlimit(limit, &unlimited);
    }
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

// Files are made with the container's own permissions in the way; nothing else needs a right.
bool drop_rights(bool writes_files) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    if (writes_files) sets[0].effective = sets[0].permitted = 1U << CAP_DAC_OVERRIDE;
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_capset, &header, sets.data()) == 0;
}

bool can_read(int fd) {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0;
}

class Stressor {
public:
    Stressor(stress::Shared& shared, stress::Cgroup cgroup, int wake_fd)
        : shared_(shared), cgroup_(std::move(cgroup)), wake_fd_(wake_fd) {}

    void run() {
        for (;;) {
            obey();
            wait();
            if (is_over()) return;
        }
    }

private:
    void wait() const {
        std::array<pollfd, 2> polls{{{stress::kTargetFd, POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
        ::poll(polls.data(), polls.size(), kTickMs);
        signalfd_siginfo info{};
        while (can_read(wake_fd_) && ::read(wake_fd_, &info, sizeof info) > 0) {
        }
    }

    [[nodiscard]] bool is_over() const {
        if (now(CLOCK_BOOTTIME).count() >= ends_at_ns_ || can_read(stress::kTargetFd)) return true;
        // See keeper.h: the lock is to be had only where nobody keeps it. It is given back at once,
        // as the end of a process takes a while where it has much memory.
        if (::flock(stress::kKeeperFd, LOCK_EX | LOCK_NB) != 0) return false;
        ::flock(stress::kKeeperFd, LOCK_UN);
        return true;
    }

    void obey() {
        const auto given = stress::orders_of(shared_);
        if (!given) return;  // whoever writes them may have died in the middle: the last end holds
        const auto& orders = given->orders;
        ends_at_ns_ = orders.ends_at_ns;
        const auto limits = cgroup_.limits();
        const bool memory = orders.memory_share > 0 || orders.memory_bytes > 0;
        bool threads = cpu_.obey(orders, limits, stress::cpus_of(0));
        threads = io_.obey(orders) && threads;
        if (memory && !holds_memory_) {
            holds_memory_ = run_detached([this] { memory_.run(); });
            threads = holds_memory_ && threads;
        }
        if (orders.fill_bytes > 0 && !fills_) {
            fills_ = run_detached([this] { fill_disk(shared_); });
            threads = fills_ && threads;
        }
        hold_pids(orders);
        if (memory && has_pids_to_spare()) decoys_.keep();
        auto& report = shared_.report;
        report.lacks_threads = threads ? 0 : 1;
        report.cpu_ns = static_cast<std::uint64_t>(now(CLOCK_PROCESS_CPUTIME_ID).count());
        report.cpu_workers = cpu_.workers();
        shared_.obeyed = given->version;
        tell_ready();
    }

    // The container's own processes come first.
    [[nodiscard]] bool has_pids_to_spare() const {
        constexpr std::uint64_t kSpare = 16;
        return std::ranges::all_of(cgroup_.pid_levels(), [](const stress::Level& level) {
            return level.used + kSpare <= level.limit;
        });
    }

    void hold_pids(const stress::Orders& orders) {
        if (orders.pids_count == 0 && orders.pids_share <= 0 && pids_.held() == 0) return;
        const auto goal = pid_goal(
            orders,
            {.held = pids_.held(), .levels = cgroup_.pid_levels(), .host = stress::host_pids()});
        pids_.step(goal.count);
        auto& report = shared_.report;
        report.pids = pids_.held();
        report.pids_goal = goal.count;
        report.pids_held_back = goal.held_back ? 1 : 0;
        report.pids_error = static_cast<std::uint64_t>(pids_.error());
    }

    void tell_ready() {
        if (told_) return;
        told_ = ::write(stress::kReadyFd, "", 1) >= 0 || errno == EPIPE;
        ::close(stress::kReadyFd);
    }

    stress::Shared& shared_;
    stress::Cgroup cgroup_;
    int wake_fd_;
    bool told_ = false;
    std::int64_t ends_at_ns_ = std::numeric_limits<std::int64_t>::max();
    CpuLoad cpu_;
    IoLoad io_{shared_};
    PidHog pids_;
    Decoys decoys_;
    MemoryWorker memory_{shared_, cgroup_};
    bool holds_memory_ = false;
    bool fills_ = false;
};

int open_wake_fd() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace
}  // namespace chaos::stressor

int main(int argc, char** /*argv*/) {
    using namespace chaos;
    const auto shared = stress::Mapping::of(stress::kOrdersFd);
    if (argc != stress::kArguments || !shared) {
        std::fputs("chaos-stressor is started by chaos-controller only\n", stderr);
        return 2;
    }
    // It is started by a descriptor, whose number would be its name.
    ::prctl(PR_SET_NAME, stress::kProgram);
    ::signal(SIGPIPE, SIG_IGN);
    stressor::shed_inheritance();
    const bool writes_files = ::fcntl(stress::kDirectoryFd, F_GETFD) >= 0;
    auto cgroup = stress::Cgroup::of(::getpid());
    const int wake_fd = stressor::open_wake_fd();
    if (!cgroup || wake_fd < 0 || !stressor::drop_rights(writes_files)) return 1;
    stressor::Stressor{**shared, std::move(*cgroup), wake_fd}.run();
    // At once: whatever is held goes with the process, and no thread is waited for.
    ::_exit(0);
}
