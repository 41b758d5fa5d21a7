#include "controller/guard/guard.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

#include "controller/api/clock.h"
#include "controller/docker/engine.h"
#include "controller/run/outcome.h"
#include "controller/run/plan.h"
#include "controller/run/recovery.h"
#include "controller/store/store.h"
#include "controller/telemetry/log.h"
#include "reconcilers/container/reconciler.h"
#include "reconcilers/custom/reconciler.h"
#include "reconcilers/network/reconciler.h"
#include "reconcilers/stress/reconciler.h"

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
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) std::signal(signal, SIG_IGN);
}

void wait_for_end(int fd) {
    pollfd poll{fd, POLLIN, 0};
    while (::poll(&poll, 1, -1) < 0 && errno == EINTR) {
    }
}

constexpr Duration kEnginePatience = std::chrono::seconds{2};
constexpr Duration kShortestWait = std::chrono::milliseconds{5};

bool is_due(const FaultRecord& fault) { return fault.ends_at && *fault.ends_at <= wall_now(); }

class Undoer {
public:
    Undoer(const std::string& docker_path, stress::Keeper keeper)
        : engine_(docker::Client{docker_path}, {}),
          container_(engine_),
          stress_(stress::default_program(), std::move(keeper)) {}

    // One attempt on every fault that is in force and due, and, where `all`, on what is not due
    // yet and on the targets that are down.
    void undo(std::vector<Run>& runs, bool all) {
        boost::asio::io_context io{1};
        boost::asio::co_spawn(io, undo_all(runs, all), boost::asio::detached);
        io.run();
    }

private:
    Task<> undo_all(std::vector<Run>& runs, bool all) {
        // What stays in force in a namespace must be known before anything is taken back there.
        for (const auto& run : runs) {
            for (const auto& fault : run.faults) {
                if (fault.holds()) reconcilers_.of(fault.spec).restore(fault);
            }
        }
        // Before the undoing, which counts as a disturbance too.
        std::vector<std::vector<std::string>> down;
        for (const auto& run : runs) {
            down.push_back(all ? run.unrecovered() : std::vector<std::string>{});
        }
        // Whatever hangs, an engine or a program of the user's, must keep nothing else waiting, in
        // this pass or, where more is to come, for the next one.
        TaskGroup custom{co_await boost::asio::this_coro::executor, report_bug};
        if (all || !holds_others(runs)) undo_those(runs, all, Needs::kProgram, custom);
        co_await undo_without_programs(runs, all, down);
        co_await custom.join();
    }

    Task<> undo_without_programs(std::vector<Run>& runs, bool all,
                                 const std::vector<std::vector<std::string>>& down) {
        TaskGroup kernel{co_await boost::asio::this_coro::executor, report_bug};
        undo_those(runs, all, Needs::kNothing, kernel);
        co_await kernel.join();
        const auto version = co_await engine_.client().negotiate(kEnginePatience);
        if (!version) {
            log::error("guard: Docker does not answer; only what needs no Docker is undone",
                       {{"error", version.error().context}});
            co_return;
        }
        TaskGroup engine{co_await boost::asio::this_coro::executor, report_bug};
        undo_those(runs, all, Needs::kDocker, engine);
        co_await engine.join();
        for (std::size_t i = 0; i < runs.size(); ++i) {
            for (const auto& name : down[i]) {
                co_await start_one(runs[i], *runs[i].find_target(name));
            }
        }
    }

    // To be undone.
    enum class Needs { kNothing, kDocker, kProgram };

    static Needs needs_of(const FaultRecord& fault) {
        if (std::holds_alternative<CustomFault>(fault.spec)) return Needs::kProgram;
        return is_supervised(fault.spec) ? Needs::kNothing : Needs::kDocker;
    }

    static bool holds_others(const std::vector<Run>& runs) {
        return std::ranges::any_of(runs, [](const Run& run) {
            return std::ranges::any_of(run.faults, [](const FaultRecord& fault) {
                return fault.holds() && needs_of(fault) != Needs::kProgram;
            });
        });
    }

    void undo_those(std::vector<Run>& runs, bool all, Needs needs, TaskGroup& tasks) {
        for (auto& run : runs) {
            for (const auto& fault : run.faults) {
                if (needs_of(fault) != needs || !fault.holds()) continue;
                if (all || is_due(fault)) tasks.spawn(undo_one(run, fault.id));
            }
        }
    }

    static void report_bug(std::string_view what) {
        log::error("guard: a task ended by an exception: this is a bug", {{"what", what}});
    }

    Task<> undo_one(Run& run, std::string id) {
        const FaultRecord fault = *run.find_fault(id);
        const auto effect = co_await reconcilers_.of(fault.spec).undo(fault);
        if (run::note_undo(run, id, effect, "guard", wall_now())) {
            log::info("guard: fault undone", {{"experiment", run.experiment}, {"fault", id}});
        } else {
            log::error(
                "guard: undo failed, will be retried",
                {{"experiment", run.experiment}, {"fault", id}, {"error", effect.error().context}});
        }
    }

    // As the controller starts what does not come back, without its patience: nobody is there to
    // wait.
    Task<> start_one(Run& run, RunTarget& target) {
        if (target.rescues >= run::kMaxRescues) co_return;
        const auto started = co_await engine_.start_if_down(target.container_id);
        const bool gone = !started && started.error().code == ErrorCode::kNotFound;
        if (gone || (started && !*started)) {
            target.rescue_error.clear();
            co_return;
        }
        run::note_rescue(target, started ? "" : started.error().context, wall_now());
        run.add_event(wall_now(), true, started ? "TargetStarted" : "StartFailed",
                      "guard: start of " + target.name +
                          (started ? "" : " failed: " + started.error().context));
        log::warning("guard: target started", {{"experiment", run.experiment},
                                               {"target", target.name},
                                               {"error", target.rescue_error}});
    }

    docker::Engine engine_;
    container::ContainerReconciler container_;
    network::NetworkReconciler network_;
    stress::StressReconciler stress_;
    custom::CustomReconciler custom_;
    runtime::ReconcilerTable reconcilers_{container_, network_, stress_, custom_};
};

// A start that Docker refused is to be tried again.
bool wants_start(const Run& run) {
    const auto down = run.unrecovered();
    return std::ranges::any_of(run.targets, [&](const RunTarget& target) {
        return !target.rescue_error.empty() && target.rescues < run::kMaxRescues &&
               std::ranges::find(down, target.name) != down.end();
    });
}

// Not settled: the next controller sees whether the targets are well again.
void close_run(Run& run) {
    run.stop_reason = "ControllerLost";
    run.phase = Phase::kAborted;
    run.verdict = Verdict::kAborted;
    run.reason = run.stop_reason;
    run.message = "the controller ended without undoing; its guard undid every fault";
    run.end_time = wall_now();
    run.settled = false;
    run.add_event(wall_now(), true, "Aborted", run.reason + ": " + run.message);
}

int rescues(const Run& run) {
    int count = 0;
    for (const auto& target : run.targets) count += target.rescues;
    return count;
}

enum class Pass { kDone, kAgain };

// Another controller has the state and a guard of its own, alive or not: its grace must not be cut
// short by the end of ours. One that died before it had a guard is no reason to leave.
bool taken_over(const Settings& settings) {
    const int holder = store::Store::guarded_holder(settings.state_dir);
    return holder != 0 && holder != settings.controller;
}

// The store is held for one pass only, so that a new controller can come in between.
Pass undo_once(const Settings& settings, Undoer& undoer, bool all) {
    auto store = store::Store::open(settings.state_dir);
    if (!store) {
        // Whoever has it has no guard yet: wait and see.
        log::error("guard: state store", {{"error", store.error().context}});
        return Pass::kAgain;
    }
    auto loaded = store->load();
    if (!loaded) {
        log::error("guard: state store", {{"error", loaded.error().context}});
        return Pass::kAgain;
    }
    std::erase_if(loaded->runs, [](const Run& run) { return !run.owes(); });
    bool left = false;
    const auto before = loaded->runs;
    undoer.undo(loaded->runs, all);
    for (std::size_t i = 0; i < before.size(); ++i) {
        auto& run = loaded->runs[i];
        // One that the guard ended before its time is over; one whose faults ended in time is not.
        left = left || run.holds_faults() || wants_start(run);
        const bool acted = before[i].holds_faults() || rescues(run) > rescues(before[i]);
        if (all && acted && !run.holds_faults() && !run.finished()) close_run(run);
        if (run == before[i]) continue;
        if (const auto saved = store->save(run); !saved) {
            log::error("guard: state store", {{"error", saved.error().context}});
        }
    }
    return left ? Pass::kAgain : Pass::kDone;
}

// What there is to wait for before the grace is over: the next end of a fault.
struct Outlook {
    bool nothing = false;  // there is nothing (left) to undo
    bool due = false;
    Duration next = Duration::max();
};

Outlook look(const Settings& settings) {
    const auto runs = store::Store::peek(settings.state_dir);
    if (!runs) return {};  // unreadable now; the pass at the end of the grace tells
    Outlook outlook{.nothing = runs->empty()};
    for (const auto& run : *runs) {
        for (const auto& fault : run.faults) {
            if (!fault.holds() || !fault.ends_at) continue;
            outlook.due = outlook.due || is_due(fault);
            outlook.next = std::min(outlook.next, *fault.ends_at - wall_now());
        }
    }
    return outlook;
}

// No fault outlives its own end because its controller has died, whatever the grace. True where
// there is nothing left to do after it.
bool wait_out_the_grace(const Settings& settings, Undoer& undoer) {
    // A clock that is stepped while this waits must not make it late.
    constexpr Duration kLongestWait = std::chrono::seconds{1};
    const auto end = boot_now() + settings.grace;
    for (int attempt = 1; boot_now() < end; ++attempt) {
        if (taken_over(settings)) return true;
        auto outlook = look(settings);
        if (outlook.nothing) return true;
        if (outlook.due && undo_once(settings, undoer, false) == Pass::kAgain) {
            outlook.next = run::backoff(attempt, kLongestWait);
        }
        const auto wait = std::min({outlook.next, end - boot_now(), kLongestWait});
        std::this_thread::sleep_for(std::max(wait, kShortestWait));
    }
    return taken_over(settings);
}

}  // namespace

int run(const Settings& settings) {
    ignore_signals();
    let_go_of_everything_but(settings.watch_fd);
    // From now on, so that stressors outlive the controller for as long as this can end them.
    auto keeper = stress::Keeper::hold(settings.state_dir);
    if (!keeper)
        log::error("guard: stressors end with the controller", {{"error", keeper.error().context}});
    wait_for_end(3);
    // Mostly the controller has ended in order, and nothing is left to do.
    if (look(settings).nothing) return 0;
    log::warning("guard: the controller ended with something to undo; waiting for a new one",
                 {{"grace", format_duration(settings.grace)}});
    Undoer undoer{settings.docker_path, std::move(keeper).value_or(stress::Keeper{})};
    if (wait_out_the_grace(settings, undoer)) return 0;
    for (int attempt = 1;; ++attempt) {
        if (undo_once(settings, undoer, true) == Pass::kDone) break;
        std::this_thread::sleep_for(run::backoff(attempt, run::kUndoBackoffCap));
        if (taken_over(settings)) return 0;
    }
    log::info("guard: nothing is in force any more");
    return 0;
}

}  // namespace chaos::guard
