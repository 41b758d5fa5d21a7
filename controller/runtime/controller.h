// The reconcile loop: a key is an experiment's name; everything is read anew, decided by pure
// functions (controller/run), carried out, and told in the status file.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "controller/run/lifecycle.h"
#include "controller/runtime/executor.h"
#include "controller/runtime/gatekeeper.h"
#include "controller/runtime/publisher.h"
#include "controller/runtime/reconciler.h"
#include "controller/runtime/work_queue.h"
#include "controller/runtime/worker.h"
#include "controller/source/desired.h"
#include "controller/store/store.h"
#include "controller/telemetry/metrics.h"

namespace chaos::runtime {

inline constexpr std::string_view kAbortedByHand = "AbortedByHand";  // a run's stop_reason
inline constexpr std::string_view kAskedPrefix = "asked-";  // of the run-id of a run asked for
// Of store::Store::note.
inline constexpr std::string_view kHaltedNote = "halted";           // why everything is stopped
inline constexpr std::string_view kMonkeyModeNote = "monkey-mode";  // the one in force

struct Settings {
    Duration status_retention = std::chrono::hours{1};  // of a deleted manifest's status file
    std::string host;                                   // stands for this host in derived seeds
    // Something runs or waits: watch_gates() is to be called every second.
    std::function<void()> watch_gates;
    // These probes of an experiment are to be measured from now on (Prober::follow).
    std::function<void(const std::string& experiment, const std::vector<Probe>& probes,
                       std::optional<ProbePhase> phase)>
        follow_probes;
};

class Controller {
public:
    Controller(boost::asio::any_io_executor executor, Settings settings, World& world,
               Gatekeeper& gatekeeper, ReconcilerTable reconcilers, source::Desired& desired,
               store::Store store, Publisher& publisher, telemetry::Metrics& metrics);

    // Takes over what an earlier life has left; before the first update of `desired`.
    [[nodiscard]] Result<> restore();

    // Works on keys until stop() and until nothing is in force any more, or the deadline given to
    // stop() has passed.
    [[nodiscard]] Task<> run();

    void enqueue(const std::set<std::string>& names);
    // The manifests have been read: what is not among them was deleted before. Only the first time
    // matters.
    void first_look();
    // Every experiment whose run is not over: something in the world has changed.
    void enqueue_active();
    // Ends the run of every experiment that has something in force; then run() returns.
    void stop(Duration patience);

    // The configuration has changed: everything is looked at again.
    void reconfigured();
    // Closes every gate: what runs is ended and undone, nothing begins, also after a restart, until
    // resume_all(). `why`: who asked for it.
    void emergency_stop(const std::string& why);
    // Errors: kConflict (nothing is stopped).
    [[nodiscard]] Result<std::string> resume_all();
    // Lets what runs end, begins nothing, then run() returns.
    void drain();
    // Looks at the gates; experiments are looked at again to which one has opened or closed.
    // Returns whether anything runs or waits, so that the next look should come soon.
    bool watch_gates();
    // A fact that outlives the controller (store::Store::note), and is kept there in time.
    void note(const std::string& key, const std::string& value);
    [[nodiscard]] std::string noted(const std::string& key) const;
    // Waits until what was noted is stored; false where it is not within `patience`.
    [[nodiscard]] Task<bool> notes_stored(Duration patience);

    // Whether a stop now would end a run: something is in force, or still to come.
    [[nodiscard]] bool amid_experiments() const;
    // Names of the experiments that run: they have chosen targets and have not ended.
    [[nodiscard]] const std::set<std::string>& running() const { return running_; }
    struct Upcoming {
        std::string name;
        std::optional<TimePoint> next;
        const Run* last = nullptr;  // the newest, null where there was none
    };
    // The experiments that recur, those of the chaos monkey among them, by name.
    [[nodiscard]] std::vector<Upcoming> upcoming() const;

    // What a probe has found; `why`: of a failure, "" for a success.
    void note_probe(const std::string& experiment, const std::string& probe, ProbePhase phase,
                    const std::string& why);

    // What a person asks for by chaosctl. Each answers what will happen, or why it will not:
    // kNotFound (no such experiment), kConflict (not in this phase). It happens in the next
    // reconcile.
    [[nodiscard]] Result<std::string> run_now(const std::string& name, bool dry_run,
                                              bool only_if_safe = false);
    [[nodiscard]] Result<std::string> hold(const std::string& name, bool held);
    [[nodiscard]] Result<std::string> abort(const std::string& name);
    // Tries again at once what is waiting for its next attempt: undos, and starts of targets.
    [[nodiscard]] Result<std::string> recover(const std::string& name);
    [[nodiscard]] Result<std::string> recover_all();

    [[nodiscard]] bool restored() const { return restored_; }
    [[nodiscard]] bool holds_faults() const;

private:
    struct Asked {
        std::optional<bool> run;  // a new run; true: dry
        std::optional<bool> hold;
        bool abort = false;
        bool recover = false;
    };
    // What the last status was made from, besides the run.
    struct Told {
        std::string path;
        int document = 0;
        std::shared_ptr<const source::Good> good;
        std::vector<std::string> problems;
        std::string unavailable;
        bool engine_synced = true;
        std::optional<TimePoint> next_run;

        friend bool operator==(const Told&, const Told&) = default;
    };
    struct Known {
        Asked asked;
        std::shared_ptr<const source::Good> good;  // the last one
        std::int64_t generation = 0;
        std::string digest;      // of the last good version, known also while there is no `good`
        std::size_t stored = 0;  // hash of the text in the store
        std::string path;        // of the manifest, as last seen
        int document = 0;
        std::optional<Run> run;           // the newest
        std::vector<ProbeState> probes;   // of `run`
        std::size_t hits = 0;             // its targets, as the gatekeeper knows them
        bool unsaved = false;             // the store did not take it as it is
        std::int64_t reused_id = 0;       // in the store, of a run that an edit starts over
        std::vector<RunSummary> history;  // of ended runs, newest first
        // Of a schedule: up to when it was looked at, under which text, and what came of it.
        std::optional<TimePoint> schedule_base;
        std::string schedule;
        std::optional<TimePoint> due_since;  // a run is due and was not begun
        std::optional<TimePoint> due_at;     // when `run` was due, where a schedule has made it
        std::optional<TimePoint> next_run;
        std::optional<Told> told;  // absent where the status has to be written anew
        // Wall clock less boot clock, when the times of `run` were last right.
        std::optional<Duration> clock_offset;

        [[nodiscard]] bool active() const { return run && run->active(); }
    };

    [[nodiscard]] Task<> work(std::string name);
    [[nodiscard]] Task<std::optional<TimePoint>> reconcile(std::string name);
    void take_over(Known& known, const std::shared_ptr<const source::Good>& good);
    void take_edit(Known& known);
    [[nodiscard]] std::optional<Run> new_run(const std::string& name, const Known& known) const;
    [[nodiscard]] std::optional<std::string> next_run_id(const std::string& name,
                                                         const Known& known) const;
    [[nodiscard]] std::uint64_t seed_of(const std::string& name, const Known& known,
                                        const std::string& run_id) const;
    // `before`: the run as it was saved; what differs from it at the end is saved.
    [[nodiscard]] Task<std::optional<TimePoint>> advance(const std::string& name, Known& known,
                                                         Run before, bool wanted);
    void follow_clock(Known& known);
    void take_requests(Known& known, Run& run);
    [[nodiscard]] Result<Known*> find_active(const std::string& name);
    void drop_stale_wait(Known& known);
    [[nodiscard]] bool is_paused(const std::string& name, const source::Good* before) const;
    void admit_new_run(const std::string& name, Known& known);
    // Schedules (controller/runtime/recurring.cpp). Returns when to look again.
    [[nodiscard]] std::optional<TimePoint> follow_schedule(const std::string& name, Known& known);
    void take_due(const std::string& name, Known& known, TimePoint due);
    void expire_waiting(const std::string& name, Known& known, TimePoint now);
    void drop_late(const std::string& name, Known& known);
    void note_missed(const std::string& name, const std::string& why);
    void set_base(const std::string& name, Known& known, TimePoint base);
    void forget_schedule(const std::string& name);
    void restore_schedules();

    // Gates (controller/runtime/gates.cpp).
    [[nodiscard]] std::vector<safety::Closed> closed_to(const std::string& name,
                                                        const Known& known);
    [[nodiscard]] std::set<std::string> rested_services(const std::string& name) const;
    [[nodiscard]] bool is_safe(const std::string& name, const Spec& spec) const;
    // One run follows the other: that the next is due while one goes on is no news.
    [[nodiscard]] bool is_back_to_back(const std::string& name) const;
    void note_refusals(const Run& before, const Run& run);
    void follow_probes(const std::string& name, const Known& known) const;
    void note_running(const std::string& name);
    void note_monkey_hits(const std::string& name, const Run& run);
    [[nodiscard]] Task<> keep_note(std::string key);
    void note_due(const std::string& name, std::optional<TimePoint> due);
    void restore_due();
    // What a run under way has to undo by now; it takes over why it is stopped.
    [[nodiscard]] std::vector<std::string> due_meanwhile(Known& known, Run& run,
                                                         const run::Facts& facts);
    void restore_monkey_hits();
    [[nodiscard]] Task<> save_or_log(Run& run);
    [[nodiscard]] Task<Result<>> save(Run& run);
    // The experiment, other than `but`, that holds a container's resource.
    [[nodiscard]] std::optional<run::Holder> holder_of(const std::string& but,
                                                       const std::string& container,
                                                       const std::string& resource) const;
    void wake_waiting(const std::string& name);
    [[nodiscard]] Task<> note_presence(Known& known, bool wanted);
    [[nodiscard]] std::optional<TimePoint> after_deletion(const std::string& name, Known& known);
    void tell_progress(const std::string& name, Known& known, const Run& run);
    void tell(const std::string& name, Known& known, const source::Entry* entry);
    void note_recoveries(const Run& before, const Run& run);
    void note_end(Known& known);
    [[nodiscard]] bool manual_wait(const Known& known, const source::Entry* entry) const;
    [[nodiscard]] std::size_t active() const;
    void start_ready_keys();
    void wake();

    Settings settings_;
    World& world_;
    Gatekeeper& gatekeeper_;
    source::Desired& desired_;
    store::Store store_;
    Publisher& publisher_;
    telemetry::Metrics& metrics_;
    Worker store_worker_;
    TaskGroup tasks_;
    Executor executor_;
    WorkQueue queue_;
    boost::asio::steady_timer wakeup_;
    std::map<std::string, Known> known_;
    std::set<store::FiredKey> fired_;
    std::map<std::string, std::string> notes_;
    std::set<std::string> unstored_;  // keys of those that are not on the disk yet
    std::set<std::string> running_;
    // When the chaos monkey last hit a service, by key.
    std::map<std::string, TimePoint> monkey_hits_;
    bool restored_ = false;
    bool leaving_ = false;  // run() is about to return
    bool looked_ = false;   // first_look() was called
    std::optional<TimePoint> stop_by_;
};

}  // namespace chaos::runtime
