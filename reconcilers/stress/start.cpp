// How a stressor comes into the control groups of its target.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

#include "reconcilers/container/process.h"
#include "reconcilers/stress/stressor.h"
#include "reconcilers/stress/text.h"

namespace chaos::stress {
namespace {

std::unexpected<Error> failed(const std::string& what, int error = errno) {
    const auto code = error == ENOENT || error == ESRCH || error == ENODEV
                          ? ErrorCode::kNotFound
                          : ErrorCode::kUnavailable;
    return fail(code, what + ": " + std::strerror(error));
}

// The doors to the target's groups, opened before the process is made.
struct Doors {
    Descriptor born_into;           // directory of a version 2 group
    std::vector<Descriptor> files;  // of the others: the file "tasks", see become()

    static Result<Doors> open(const Cgroup& cgroup) {
        auto groups = cgroup.groups();
        // Last into the freezer: what it freezes has let go of everything else by then.
        std::ranges::partition(groups,
                               [](const Group& group) { return group.controllers != "freezer"; });
        Doors doors;
        for (const auto& group : groups) {
            const auto path = group.mount + group.directory;
            const auto file = group.unified() ? path : path + "/tasks";
            const int flags = group.unified() ? O_RDONLY | O_DIRECTORY : O_WRONLY;
            Descriptor door{::open(file.c_str(), flags | O_CLOEXEC)};
            if (door.get() < 0) return failed(file);
            if (group.unified()) {
                doors.born_into = std::move(door);
            } else {
                doors.files.push_back(std::move(door));
            }
        }
        return doors;
    }
};

// All that the child needs, made before it: between its birth and the program it may only make
// system calls, as the parent has threads.
struct Child {
    std::array<char*, kArguments + 1> argv;
    std::array<char*, 1> envp{};
    std::string oom_score_adj;
    // To be descriptors kOrdersFd and those after it; -1: none. The program and the doors are last.
    std::vector<int> descriptors;
    std::vector<int> high;  // as long
    std::size_t doors = 0;
};

// What it writes where it cannot go on: which step failed, and errno.
struct Failure {
    char step;
    int error;
};

[[noreturn]] void give_up(char step, int ready_fd) {
    const Failure failure{step, errno};
    if (::write(ready_fd, &failure, sizeof failure) < 0) ::_exit(126);
    ::_exit(127);
}

// Lets go of everything but what it is to have: the controller's locks and connections among it.
void arrange(Child& child) {
    constexpr int kHigh = 100;
    const int ready = child.descriptors[kReadyFd - kOrdersFd];
    // Moved to high numbers first, so that no one of them is overwritten before it was copied.
    for (std::size_t i = 0; i < child.high.size(); ++i) {
        const int from = child.descriptors[i];
        child.high[i] = from < 0 ? -1 : ::fcntl(from, F_DUPFD, kHigh);
        if (from >= 0 && child.high[i] < 0) give_up('d', ready);
    }
    int place = kOrdersFd;
    for (const int from : child.high) {
        if (from < 0) {
            ::close(place);
        } else if (::dup3(from, place, place > kDirectoryFd ? O_CLOEXEC : 0) < 0) {
            give_up('d', ready);
        }
        ++place;
    }
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2 && nothing >= 0; ++fd) ::dup2(nothing, fd);
    if (nothing > 2) ::close(nothing);  // it may have taken the place of one that is to be absent
    ::syscall(SYS_close_range, static_cast<unsigned>(place), ~0U, 0U);
}

[[noreturn]] void become(Child& child) {
    constexpr int kProgramFd = kDirectoryFd + 1;
    arrange(child);
    ::setsid();
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || ::write(score, child.oom_score_adj.data(), child.oom_score_adj.size()) < 0) {
        give_up('o', kReadyFd);
    }
    ::close(score);
    sigset_t held;
    ::sigemptyset(&held);
    // Held back until the program takes it: it would end it.
    ::sigaddset(&held, SIGUSR1);
    ::sigprocmask(SIG_SETMASK, &held, nullptr);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
        ::signal(signal, SIG_DFL);
    }
    // A thread that moves itself needs no lock on all threads of the host, which would wait for a
    // grace period of RCU, some 15 ms (kernel/cgroup/cgroup.c, cgroup_procs_write_start); and this
    // process has one thread.
    for (std::size_t i = 0; i < child.doors; ++i) {
        const int door = kProgramFd + 1 + static_cast<int>(i);
        if (::write(door, "0", 1) < 0) give_up('g', kReadyFd);
    }
    ::syscall(SYS_execveat, kProgramFd, "", child.argv.data(), child.envp.data(), AT_EMPTY_PATH);
    give_up('x', kReadyFd);
}

const char* name_of(char step) {
    switch (step) {
        case 'g': return "entering the container's control groups";
        case 'o': return "setting oom_score_adj";
        case 'x': return "loading chaos-stressor";
        default: return "arranging descriptors";
    }
}

// fork() with a pidfd, and with version 2 right into the group.
Result<int> make_process(Child& child, int born_into, Descriptor& process) {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (born_into >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(born_into);
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) become(child);
    if (pid < 0) return failed("clone3");
    process = Descriptor{pidfd};
    return static_cast<int>(pid);
}

Result<Mapping> make_shared_memory(Descriptor& memory, const Start& start) {
    memory = Descriptor{::memfd_create("chaos-stressor", MFD_CLOEXEC)};
    if (memory.get() < 0 || ::ftruncate(memory.get(), sizeof(Shared)) != 0) {
        return failed("memfd");
    }
    void* place =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    if (place == MAP_FAILED) return failed("mmap");
    auto* shared = new (place) Shared{};
    shared->directory = start.directory_hash;
    give_orders(*shared, start.orders);
    ::munmap(place, sizeof(Shared));
    auto mapping = Mapping::of(memory.get());
    if (!mapping) return failed("mmap");
    return std::move(*mapping);
}

std::string how_it_ended(const Stressor& stressor) {
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(stressor.process.descriptor.get()), &info,
             WEXITED | WNOHANG | WNOWAIT);
    const std::string name = kProgram;
    if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
        return name + " was killed as soon as it was started (signal " +
               std::to_string(info.si_status) + "); is the container out of memory?";
    }
    return name + " ended as soon as it was started (exit code " + std::to_string(info.si_status) +
           ")";
}

}  // namespace

Result<Stressor> start(const Start& start, const Cgroup& cgroup, const Keeper& keeper) {
    const auto& purpose = start.purpose;
    const Descriptor target{static_cast<int>(::syscall(SYS_pidfd_open, purpose.target_pid, 0))};
    if (target.get() < 0) return failed("process " + std::to_string(purpose.target_pid));
    const auto doors = Doors::open(cgroup);
    if (!doors) return std::unexpected(doors.error());
    // Asked last: then the process, and the groups that were opened, are of that container.
    if (!container::is_in_container(purpose.target_pid, purpose.container_id)) {
        return fail(ErrorCode::kNotFound, "its first process has ended");
    }
    if (cgroup.frozen()) {
        return fail(ErrorCode::kUnavailable, "the container is paused: nothing is started in it");
    }
    Stressor stressor{.purpose = purpose, .ours = true};
    Descriptor memory;
    auto shared = make_shared_memory(memory, start);
    if (!shared) return std::unexpected(shared.error());
    const auto lock = keeper.open_another();
    if (!lock) return std::unexpected(lock.error());
    const Descriptor keeper_fd{*lock};
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return failed("pipe");
    stressor.ready = Descriptor{pipe[0]};
    const Descriptor ready_end{pipe[1]};
    std::array<std::string, kArguments> arguments{kProgram, purpose.uid, purpose.container_id,
                                                  std::to_string(purpose.target_pid)};
    Child child{.argv = {},
                .oom_score_adj = std::to_string(start.oom_score_adj),
                .descriptors = {memory.get(), target.get(), keeper_fd.get(), ready_end.get(),
                                start.directory, start.program},
                .high = {},
                .doors = doors->files.size()};
    for (std::size_t i = 0; i < arguments.size(); ++i) child.argv[i] = arguments[i].data();
    for (const auto& door : doors->files) child.descriptors.push_back(door.get());
    child.high.resize(child.descriptors.size());
    const auto pid = make_process(child, doors->born_into.get(), stressor.process.descriptor);
    if (!pid) return std::unexpected(pid.error());
    stressor.process.pid = *pid;
    stressor.shared = std::move(*shared);
    return stressor;
}

Result<bool> read_ready(const Stressor& stressor) {
    Failure failure{};
    const auto got = ::read(stressor.ready.get(), &failure, sizeof failure);
    if (got < 0 && errno == EAGAIN) return false;
    if (got == 1) return true;
    if (got == sizeof failure) return failed(name_of(failure.step), failure.error);
    return fail(ErrorCode::kUnavailable, how_it_ended(stressor));
}

}  // namespace chaos::stress
