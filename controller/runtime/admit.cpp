// What becomes of a manifest: an edit that is taken over, a run that begins.
#include "controller/api/clock.h"
#include "controller/config/monkey.h"
#include "controller/run/random.h"
#include "controller/runtime/controller.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {

// A new digest is a new generation. It is stored with the first run that follows from it: of ten
// thousand manifests that wait, none costs an fsync.
void Controller::take_over(Known& known, const std::shared_ptr<const source::Good>& good) {
    if (known.good == good) return;
    known.good = good;
    known.path = good->path;
    if (known.digest != good->digest) ++known.generation;
    known.digest = good->digest;
}

// An edit of what is under way is taken over. One that comes later, while faults are undone or
// targets recover, waits for a run of its own.
void Controller::take_edit(Known& known) {
    Run& run = *known.run;
    if (run.digest == known.digest || !run.underway()) return;
    if (known.good && known.good->experiment.spec.dry_run && !run.dry_run) {
        run.stop_reason = "DryRunRequested";
        run.add_event(wall_now(), true, run.stop_reason,
                      "spec.dry_run is true now; aborting: undoing every fault");
        return;
    }
    run.digest = known.digest;
    run.generation = known.generation;
    run.add_event(wall_now(), false, "SpecChanged",
                  "generation " + std::to_string(known.generation));
}

// A run that still waits has done nothing: an edited manifest starts it over.
void Controller::drop_stale_wait(Known& known) {
    if (!known.run || !known.good || !known.run->underway() || !known.run->targets.empty()) return;
    const Run& run = *known.run;
    const bool asked = run.run_id.starts_with(kAskedPrefix);
    const bool scheduled = run.scheduled();
    const auto& experiment = known.good->experiment;
    const bool current = asked || scheduled || run.run_id == experiment.run_id();
    if (run.digest == known.digest && current) return;
    if (asked) known.asked.run = run.dry_run;
    if (scheduled && experiment.spec.schedule == Schedule::kRecurring) {
        known.due_since = known.due_at.value_or(run.created_at);
    }
    if (run.held) known.asked.hold = true;
    known.reused_id = run.id;
    known.run.reset();
    known.told.reset();
}

// The monkey's own seed makes a sequence of choices that can be replayed, not one choice for ever.
std::uint64_t Controller::seed_of(const std::string& name, const Known& known,
                                  const std::string& run_id) const {
    const auto& spec = known.good->experiment.spec;
    if (spec.seed) return static_cast<std::uint64_t>(*spec.seed);
    const auto& monkey = gatekeeper_.config().monkey;
    if (monkey.seed && name.starts_with(config::kMonkeyPrefix)) {
        return run::draw_bits(static_cast<std::uint64_t>(*monkey.seed), name, run_id);
    }
    return run::derive_seed(name, known.digest, run_id, settings_.host);
}

// The run-id of the run that is to begin now; absent: none is.
std::optional<std::string> Controller::next_run_id(const std::string& name,
                                                   const Known& known) const {
    const auto& experiment = known.good->experiment;
    if (known.due_since) return std::string{kScheduledPrefix} + format_time(*known.due_since);
    if (known.asked.run) return std::string{kAskedPrefix} + format_time(wall_now());
    if (experiment.spec.schedule == Schedule::kRecurring) return std::nullopt;
    auto run_id = experiment.run_id();
    if (experiment.spec.schedule == Schedule::kManual && run_id.empty()) return std::nullopt;
    if (fired_.contains({name, known.digest, run_id})) return std::nullopt;
    return run_id;
}

// A run for a spec and run-id that have not run: at once for `once`, with a run-id for `manual`.
std::optional<Run> Controller::new_run(const std::string& name, const Known& known) const {
    const auto run_id = next_run_id(name, known);
    if (!run_id) return std::nullopt;
    const auto& spec = known.good->experiment.spec;
    Run run;
    run.experiment = name;
    run.digest = known.digest;
    run.run_id = *run_id;
    run.generation = known.generation;
    run.seed = seed_of(name, known, *run_id);
    run.dry_run = spec.dry_run || known.asked.run.value_or(false);
    run.created_at = wall_now();
    run.origin = run.created_at;
    return run;
}

// A wall clock that was stepped takes the times of a run along: what was to last a minute still
// does.
void Controller::follow_clock(Known& known) {
    constexpr Duration kStep = std::chrono::milliseconds{500};  // less is NTP at work
    const Duration offset = wall_now() - boot_now();
    const auto before = std::exchange(known.clock_offset, offset);
    if (!before || std::chrono::abs(offset - *before) < kStep) return;
    log::warning(
        "the clock was stepped; deadlines move along",
        {{"experiment", known.run->experiment}, {"by", format_duration(offset - *before)}});
    shift(*known.run, offset - *before);
    known.run->add_event(wall_now(), true, "ClockStepped",
                         "by " + format_duration(offset - *before) + "; deadlines move along");
}

// One run at a time: the targets of the one before are back, or given up, before they are hit
// again.
void Controller::admit_new_run(const std::string& name, Known& known) {
    if (known.active() || stop_by_ || !desired_.unavailable().empty()) return;
    if (gatekeeper_.draining()) return;
    drop_late(name, known);
    if (auto fresh = new_run(name, known)) {
        if (known.run) fresh->events = std::move(known.run->events);  // they are the experiment's
        known.run = std::move(fresh);
        known.run->id = std::exchange(known.reused_id, 0);
        known.run->held = known.asked.hold.value_or(false);
        known.due_at = std::exchange(known.due_since, std::nullopt);
        known.probes.clear();
        known.told.reset();
    }
    known.asked = {};  // what was asked of the run before is not meant for the next one
}

}  // namespace chaos::runtime
