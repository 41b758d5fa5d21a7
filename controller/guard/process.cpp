#include "controller/guard/process.h"

#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstring>

#include "controller/telemetry/log.h"

namespace chaos::guard {
namespace {

constexpr Duration kRestartDelay = std::chrono::seconds{1};

int open_pidfd(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

Result<> Process::start() {
    const int self = open_pidfd(::getpid());
    if (self < 0) {
        return fail(ErrorCode::kUnavailable,
                    std::string{"guard: pidfd_open: "} + std::strerror(errno));
    }
    auto arguments = arguments_;
    arguments.insert(arguments.end(), {"--watch-fd", std::to_string(self), "--controller-pid",
                                       std::to_string(::getpid())});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    // Onto itself: the copy in the child loses close-on-exec (POSIX.1-2024, and glibc since 2.29).
    ::posix_spawn_file_actions_adddup2(&actions, self, self);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    // A session of its own: what ends the controller's terminal or process group must not end it.
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    // Blocked from birth, until the guard ignores them: see ignore_signals in guard.cpp.
    sigset_t blocked;
    ::sigemptyset(&blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&blocked, signal);
    ::posix_spawnattr_setsigmask(&attributes, &blocked);
    const int failed =
        ::posix_spawn(&pid_, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(self);
    if (failed != 0) {
        return fail(ErrorCode::kUnavailable, std::string{"guard: "} + std::strerror(failed));
    }
    log::debug("guard started", {{"pid", std::to_string(pid_)}});
    return {};
}

Task<> Process::keep_alive() {
    for (;;) {
        boost::asio::posix::stream_descriptor end{co_await boost::asio::this_coro::executor,
                                                  open_pidfd(pid_)};
        auto [ec] = co_await end.async_wait(boost::asio::posix::descriptor_base::wait_read,
                                            boost::asio::as_tuple(boost::asio::use_awaitable));
        if (ec) co_return;
        ::waitpid(pid_, nullptr, WNOHANG);
        log::warning("the guard has ended; starting another", {{"pid", std::to_string(pid_)}});
        while (!start()) {
            if (!co_await sleep_for(kRestartDelay)) co_return;
        }
    }
}

}  // namespace chaos::guard
