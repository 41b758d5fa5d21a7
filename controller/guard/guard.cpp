#include "controller/guard/guard.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

#include "controller/api/clock.h"
#include "controller/docker/engine.h"
#include "controller/run/plan.h"
#include "controller/store/store.h"
#include "controller/telemetry/log.h"
#include "reconcilers/container/reconciler.h"

namespace chaos::guard {
namespace {

// Whatever the controller had open (its listening port, its connections) must not live on in here.
void let_go_of_everything_but(int fd) {
    ::dup2(fd, 3);
    ::syscall(SYS_close_range, 4U, ~0U, 0U);
}

// A terminal's Ctrl-C and a service manager's SIGTERM are for the controller: the guard has work
// exactly when that is gone.
void ignore_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
}

void wait_for_end(int fd) {
    pollfd poll{fd, POLLIN, 0};
    while (::poll(&poll, 1, -1) < 0 && errno == EINTR) {
    }
}

class Undoer {
public:
    explicit Undoer(const std::string& docker_path)
        : engine_(docker::Client{docker_path}, {}), container_(engine_) {}

    // One attempt on every fault that is in force.
    void undo(std::vector<Run>& runs) {
        boost::asio::io_context io{1};
        boost::asio::co_spawn(io, undo_all(runs), boost::asio::detached);
        io.run();
    }

private:
    Task<> undo_all(std::vector<Run>& runs) {
        if (const auto version = co_await engine_.client().negotiate(); !version) {
            log::error("guard: Docker does not answer", {{"error", version.error().context}});
            co_return;
        }
        for (auto& run : runs) {
            for (auto& fault : run.faults) {
                if (fault.holds()) co_await undo_one(run, fault);
            }
        }
    }

    Task<> undo_one(Run& run, FaultRecord& fault) {
        const auto effect = co_await container_.undo(fault);
        if (!effect && effect.error().code != ErrorCode::kNotFound) {
            ++fault.attempts;
            fault.last_error = effect.error().context;
            log::error("guard: undo failed, will be retried",
                       {{"experiment", run.experiment}, {"error", fault.last_error}});
            co_return;
        }
        fault.state = effect ? FaultState::kUndone : FaultState::kVanished;
        fault.recovered_at = wall_now();
        run.add_event(
            wall_now(), false, "FaultUndone",
            "the guard undid " + std::string{type_name(fault.spec)} + " on " + fault.target);
        log::info("guard: fault undone", {{"experiment", run.experiment}, {"fault", fault.id}});
    }

    docker::Engine engine_;
    container::ContainerReconciler container_;
};

void close_run(Run& run) {
    if (run.holds_faults()) return;
    run.stop_reason = "ControllerLost";
    run.phase = Phase::kAborted;
    run.verdict = Verdict::kAborted;
    run.reason = run.stop_reason;
    run.message = "the controller ended without undoing; its guard undid every fault";
    run.end_time = wall_now();
    run.settled = true;
    run.add_event(wall_now(), true, "Aborted", run.reason + ": " + run.message);
}

enum class Pass { kDone, kTakenOver, kAgain };

// Whether another controller has had the state since the one that this guard belongs to. It has a
// guard of its own, also if it has died meanwhile: its grace must not be cut short by the end of
// ours.
bool taken_over(const Settings& settings) {
    const int holder = store::Store::last_holder(settings.state_dir);
    return holder != settings.controller && holder != ::getpid();
}

// The store is held for one pass only, so that a new controller can come in between.
Pass undo_once(const Settings& settings, Undoer& undoer) {
    auto store = store::Store::open(settings.state_dir);
    if (!store) {
        if (store.error().code == ErrorCode::kConflict) return Pass::kTakenOver;
        log::error("guard: state store", {{"error", store.error().context}});
        return Pass::kAgain;
    }
    auto loaded = store->load();
    if (!loaded) {
        log::error("guard: state store", {{"error", loaded.error().context}});
        return Pass::kAgain;
    }
    std::erase_if(loaded->runs, [](const Run& run) { return !run.holds_faults(); });
    if (loaded->runs.empty()) return Pass::kDone;
    undoer.undo(loaded->runs);
    bool left = false;
    for (auto& run : loaded->runs) {
        close_run(run);
        left = left || run.holds_faults();
        if (const auto saved = store->save(run); !saved) {
            log::error("guard: state store", {{"error", saved.error().context}});
        }
    }
    return left ? Pass::kAgain : Pass::kDone;
}

}  // namespace

int run(const Settings& settings) {
    ignore_signals();
    let_go_of_everything_but(settings.watch_fd);
    wait_for_end(3);
    // Mostly the controller has ended in order, and nothing is left to do.
    if (!store::Store::holds_faults(settings.state_dir)) return 0;
    log::warning("guard: the controller ended with faults in force; waiting for a new one",
                 {{"grace", format_duration(settings.grace)}});
    std::this_thread::sleep_for(settings.grace);
    Undoer undoer{settings.docker_path};
    for (int attempt = 1;; ++attempt) {
        if (taken_over(settings)) return 0;
        switch (undo_once(settings, undoer)) {
            case Pass::kDone: log::info("guard: nothing is in force any more"); return 0;
            case Pass::kTakenOver: return 0;
            case Pass::kAgain: break;
        }
        std::this_thread::sleep_for(run::backoff(attempt, run::kUndoBackoffCap));
    }
}

}  // namespace chaos::guard
