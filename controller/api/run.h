// One run of an experiment: what was decided once (seed, targets), what was done (fault records)
// and what came of it. This is what the state store keeps and what a status file is made from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/fault.h"
#include "controller/api/probe.h"
#include "controller/api/time.h"

namespace chaos {

// Of the run-ids of runs that were due by a schedule.
inline constexpr std::string_view kScheduledPrefix = "scheduled-";

enum class Phase {
    kPending,
    kWaiting,
    kInjecting,
    kRunning,
    kRecovering,
    kCompleted,
    kFailed,
    kAborted,
    kRejected,
    kCleanupFailed,
};

enum class Verdict { kNone, kPass, kFail, kError, kAborted };

enum class FaultState {
    kRecorded,  // the intent is durable, whether the effect is there is unknown
    kInjected,  // in force, read back
    kFired,     // an instant fault that has happened
    kUndone,    // verified gone
    kVanished,  // its container is gone, and the fault with it
    kSkipped,   // its time, or the end of its run, came before it was injected
    kFailed,    // could not be injected; last_error says why
};

struct FaultRecord {
    std::string id;  // unique within the run: "scenario/0:container_kill/2@container"
    FaultSpec spec;
    std::string target;  // container name
    std::string service;
    Incarnation incarnation;
    FaultState state = FaultState::kRecorded;
    std::optional<TimePoint> recorded_at;  // when it was last about to be injected
    std::optional<TimePoint> injected_at;
    std::optional<TimePoint> recovered_at;
    std::optional<TimePoint> ends_at;     // when it is to be undone at the latest
    int attempts = 0;                     // failed ones since the last success
    std::optional<TimePoint> not_before;  // backoff after a failed attempt
    bool undoing = false;                 // it was an attempt to undo
    // Network faults: whose run it is (several share a namespace), a name that stays the same where
    // an edit changes the id, what its peers' addresses were when it was put into force, when the
    // kernel ends it by itself.
    std::string experiment;
    std::string uid;
    PeerAddresses peers;
    std::optional<TimePoint> armed_until;
    // When it was last seen in force, in this life of the controller; not in the journal.
    std::optional<TimePoint> observed_at;
    std::string last_error;
    bool unsupported = false;  // the last error was that this kernel cannot do it
    std::map<std::string, std::string> evidence;

    // Something of ours may be in force and has to be undone.
    [[nodiscard]] bool holds() const {
        return state == FaultState::kInjected ||
               (state == FaultState::kRecorded && !is_instant(spec));
    }

    friend bool operator==(const FaultRecord&, const FaultRecord&) = default;
};

struct RunTarget {
    std::string name;  // container name: survives restart and recreation
    std::string service;
    std::string project;           // Compose's; may be empty
    std::vector<std::string> via;  // `service` of the target entries that led here
    TimePoint joined_at;
    std::string container_id;
    std::optional<Incarnation> incarnation;  // the last one seen
    std::string state;  // of the container when last looked at: "running", "exited", …, "gone"
    // When the last fault took effect (a kill) or was lifted (a pause): recovery counts from here.
    std::optional<TimePoint> disturbed_at;
    std::optional<Incarnation> disturbed;  // the life that was hit
    // From when on the life that was hit counts as running again: at once for a pause, never for
    // SIGKILL, after a grace for signals that a process may survive.
    std::optional<TimePoint> same_life_counts_from;
    std::optional<Duration> time_to_running;
    std::optional<Duration> time_to_healthy;
    // How long Docker waited between the death and the next start: it doubles this for containers
    // that die young (moby restartmanager), whatever the service itself takes to recover.
    std::optional<Duration> restart_delay;
    bool vanished = false;  // its fault ended because the container, or that life of it, did
    bool recovered = false;
    bool timed_out = false;  // did not recover by itself
    // Starts by the controller after that.
    int rescues = 0;
    std::optional<TimePoint> rescued_at;  // the last one that Docker accepted
    std::optional<TimePoint> rescue_not_before;
    std::string rescue_error;

    friend bool operator==(const RunTarget&, const RunTarget&) = default;
};

// A service that became ill although it was no target, since it depends on one.
struct Suffered {
    std::string service;  // "project/service", or the name alone
    int depth = 0;        // its distance from the nearest target
    TimePoint since;
    std::optional<TimePoint> until;

    friend bool operator==(const Suffered&, const Suffered&) = default;
};

struct RunEvent {
    TimePoint time;
    bool warning = false;
    std::string reason;  // CamelCase, as a Kubernetes event's
    std::string message;

    friend bool operator==(const RunEvent&, const RunEvent&) = default;
};

struct Run {
    std::int64_t id = 0;  // of the state store; grows
    std::string experiment;
    std::string digest;  // of the spec last taken over
    std::string run_id;  // the annotation's value; may be empty
    std::int64_t generation = 1;
    std::uint64_t seed = 0;
    Phase phase = Phase::kPending;
    Verdict verdict = Verdict::kNone;
    std::string reason;  // CamelCase
    std::string message;
    TimePoint created_at;
    // The zero of the timeline: admission, then moved so that the first success is where the
    // timeline has it.
    TimePoint origin;
    std::optional<TimePoint> start_time;  // first successful injection
    std::optional<TimePoint> deadline;
    std::optional<TimePoint> end_time;
    std::optional<TimePoint> recovering_since;
    std::optional<TimePoint> waiting_since;  // for its present reason; while in phase Waiting
    std::optional<TimePoint> deleted_at;     // when its manifest was found to be gone
    std::string stop_reason;  // CamelCase; set once an abort is decided, never taken back
    bool settled = false;     // finished, and the targets' recovery was seen or has timed out
    bool dry_run = false;
    // While paused nothing is in force and the clock stands.
    std::optional<TimePoint> paused_since;
    Duration paused_total{};  // since the start
    bool held = false;        // paused by hand (chaosctl pause), besides the annotation
    std::vector<RunTarget> targets;
    std::vector<FaultRecord> faults;
    std::vector<Suffered> suffered;
    std::vector<ProbeState> probes;
    std::vector<std::string> ill_before;  // dependents that were ill before the first fault
    // Of the spec's stop conditions, in order: since when it is met. Not in the journal.
    std::vector<std::optional<TimePoint>> conditions_since;
    std::vector<RunEvent> events;  // the last 50

    [[nodiscard]] bool finished() const;
    // The faults are over, their undoing or the targets' recovery is not.
    [[nodiscard]] bool recovering() const {
        return phase == Phase::kRecovering || phase == Phase::kCleanupFailed;
    }
    // Faults may still be injected.
    [[nodiscard]] bool underway() const {
        return stop_reason.empty() && !finished() && !recovering();
    }
    // It was due by its schedule; its run-id says when.
    [[nodiscard]] bool scheduled() const { return run_id.starts_with(kScheduledPrefix); }
    // It counts as having run: it has chosen targets, or has ended without.
    [[nodiscard]] bool fired() const { return !targets.empty() || finished(); }
    // It has chosen targets and has not ended.
    [[nodiscard]] bool begun() const { return !targets.empty() && !finished(); }
    // Something is still to be done or to be watched.
    [[nodiscard]] bool active() const { return !finished() || !settled; }
    [[nodiscard]] bool holds_faults() const;
    // Targets that a fault of ours may have brought down and that were not seen to come back.
    [[nodiscard]] std::vector<std::string> unrecovered() const;
    // What nobody but this project will put right is left: a fault in force, a target that is down.
    [[nodiscard]] bool owes() const { return holds_faults() || !unrecovered().empty(); }
    [[nodiscard]] RunTarget* find_target(const std::string& name);
    [[nodiscard]] FaultRecord* find_fault(const std::string& fault_id);
    // Keeps the last 50; an event equal to the last one in reason and message is not repeated.
    void add_event(TimePoint now, bool warning, std::string reason, std::string message);

    friend bool operator==(const Run&, const Run&) = default;
};

// Moves every time that the run still goes by; events keep theirs.
void shift(Run& run, Duration by);

// Whether two states of a run differ in nothing but when its faults were last looked at.
[[nodiscard]] bool same_but_for_looks(Run a, const Run& b);

// What a status file's history keeps of a run.
struct RunSummary {
    std::int64_t id = 0;
    std::string run_id;
    std::uint64_t seed = 0;
    Phase phase = Phase::kPending;
    Verdict verdict = Verdict::kNone;
    std::string reason;
    std::optional<TimePoint> start_time;
    std::optional<TimePoint> end_time;

    friend bool operator==(const RunSummary&, const RunSummary&) = default;
};

[[nodiscard]] RunSummary summarize(const Run& run);

[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] std::string_view to_string(Verdict verdict);  // "" for kNone
[[nodiscard]] std::string_view to_string(FaultState state);

}  // namespace chaos
