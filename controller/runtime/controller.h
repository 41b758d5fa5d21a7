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
#include "controller/runtime/publisher.h"
#include "controller/runtime/reconciler.h"
#include "controller/runtime/work_queue.h"
#include "controller/runtime/worker.h"
#include "controller/source/desired.h"
#include "controller/store/store.h"
#include "controller/telemetry/metrics.h"

namespace chaos::runtime {

inline constexpr std::string_view kAbortedByHand = "AbortedByHand";  // a run's stop_reason

struct Settings {
    Duration experiment_timeout = kDefaultExperimentTimeout;  // caps spec.duration
    Duration status_retention = std::chrono::hours{1};        // of a deleted manifest's status file
    std::string host;  // stands for this host in derived seeds
};

class Controller {
public:
    Controller(boost::asio::any_io_executor executor, Settings settings, World& world,
               ReconcilerTable reconcilers, source::Desired& desired, store::Store store,
               Publisher& publisher, telemetry::Metrics& metrics);

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

    // What a person asks for by chaosctl. Each answers what will happen, or why it will not:
    // kNotFound (no such experiment), kConflict (not in this phase). It happens in the next
    // reconcile.
    [[nodiscard]] Result<std::string> run_now(const std::string& name, bool dry_run);
    [[nodiscard]] Result<std::string> hold(const std::string& name, bool held);
    [[nodiscard]] Result<std::string> abort(const std::string& name);
    // Tries again at once what is waiting for its next attempt: undos, and starts of targets.
    [[nodiscard]] Result<std::string> recover(const std::string& name);

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
        bool unsaved = false;             // the store did not take it as it is
        std::int64_t reused_id = 0;       // in the store, of a run that an edit starts over
        std::vector<RunSummary> history;  // of ended runs, newest first
        std::optional<Told> told;         // absent where the status has to be written anew
        // Wall clock less boot clock, when the times of `run` were last right.
        std::optional<Duration> clock_offset;

        [[nodiscard]] bool active() const { return run && run->active(); }
    };

    [[nodiscard]] Task<> work(std::string name);
    [[nodiscard]] Task<std::optional<TimePoint>> reconcile(std::string name);
    void take_over(Known& known, const std::shared_ptr<const source::Good>& good);
    void take_edit(Known& known);
    [[nodiscard]] std::optional<Run> new_run(const std::string& name, const Known& known) const;
    // `before`: the run as it was saved; what differs from it at the end is saved.
    [[nodiscard]] Task<std::optional<TimePoint>> advance(const std::string& name, Known& known,
                                                         Run before, bool wanted);
    void follow_clock(Known& known);
    void take_requests(Known& known, Run& run);
    [[nodiscard]] Result<Known*> find_active(const std::string& name);
    void drop_stale_wait(Known& known);
    void admit_new_run(const std::string& name, Known& known);
    [[nodiscard]] Task<> save_or_log(Run& run);
    [[nodiscard]] Task<Result<>> save(Run& run);
    // The experiment, other than `but`, that holds a container's resource.
    [[nodiscard]] std::optional<run::Holder> holder_of(const std::string& but,
                                                       const std::string& container,
                                                       const std::string& resource) const;
    void wake_waiting(const std::string& name);
    [[nodiscard]] Task<> note_presence(Known& known, bool wanted);
    [[nodiscard]] std::optional<TimePoint> after_deletion(const std::string& name, Known& known);
    void tell(const std::string& name, Known& known, const source::Entry* entry);
    void note_recoveries(const Run& before, const Run& run);
    void note_end(Known& known);
    [[nodiscard]] bool manual_wait(const Known& known, const source::Entry* entry) const;
    [[nodiscard]] std::size_t active() const;
    void start_ready_keys();
    void wake();

    Settings settings_;
    World& world_;
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
    bool restored_ = false;
    bool looked_ = false;  // first_look() was called
    std::optional<TimePoint> stop_by_;
};

}  // namespace chaos::runtime
