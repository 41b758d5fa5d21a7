// The controller at its gates: what is closed to an experiment, and what is told of it.
#include <algorithm>

#include "controller/api/clock.h"
#include "controller/config/monkey.h"
#include "controller/run/cascade.h"
#include "controller/run/steady.h"
#include "controller/runtime/controller.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

constexpr std::string_view kHitNote = "monkey-hit/";  // and the service's key
constexpr Duration kKeepHits = std::chrono::hours{24};
constexpr Duration kNoteRetry = std::chrono::seconds{1};
constexpr Duration kNoteLook = std::chrono::milliseconds{2};

bool is_monkey(const std::string& name) { return name.starts_with(config::kMonkeyPrefix); }

}  // namespace

std::string Controller::noted(const std::string& key) const {
    const auto it = notes_.find(key);
    return it == notes_.end() ? std::string{} : it->second;
}

void Controller::note(const std::string& key, const std::string& value) {
    if (noted(key) == value) return;
    if (value.empty()) {
        notes_.erase(key);
    } else {
        notes_[key] = value;
    }
    if (unstored_.insert(key).second) tasks_.spawn(keep_note(key));
}

// Until it is stored as it is by then: what is only in memory would not outlive us.
Task<> Controller::keep_note(std::string key) {
    for (;;) {
        auto value = noted(key);
        auto job = [this, key, value] { return store_.note(key, value); };
        const auto stored = co_await store_worker_.run(std::move(job));
        if (stored && noted(key) == value) break;
        if (stored) continue;
        log::error("state store", {{"note", key}, {"error", stored.error().context}});
        if (leaving_ || !co_await sleep_for(kNoteRetry)) co_return;
    }
    unstored_.erase(key);
}

Task<bool> Controller::notes_stored(Duration patience) {
    const auto until = boot_now() + patience;
    while (!unstored_.empty() && boot_now() < until) {
        if (!co_await sleep_for(kNoteLook)) break;
    }
    const bool all = unstored_.empty();
    co_return all;
}

void Controller::emergency_stop(const std::string& why) {
    if (gatekeeper_.halted() == why) return;
    log::warning("emergency stop: undoing every fault", {{"why", why}});
    gatekeeper_.halt(why);
    metrics_.halted(true);
    note(std::string{kHaltedNote}, why);
    enqueue_active();
}

Result<std::string> Controller::resume_all() {
    if (gatekeeper_.halted().empty()) {
        return fail(ErrorCode::kConflict,
                    "nothing is stopped; resume NAME lets a paused run go on");
    }
    log::info("the emergency stop is lifted", {{"why", gatekeeper_.halted()}});
    gatekeeper_.halt("");
    metrics_.halted(false);
    note(std::string{kHaltedNote}, "");
    enqueue_active();
    return std::string{"experiments may run again"};
}

bool Controller::amid_experiments() const {
    return std::ranges::any_of(running_, [&](const auto& name) {
        const Run& run = *known_.at(name).run;
        return run.holds_faults() || (run.underway() && !run.paused_since);
    });
}

void Controller::drain() {
    gatekeeper_.drain();
    wake();
}

void Controller::reconfigured() {
    enqueue_active();
    for (const auto& [name, known] : known_) queue_.add(name);
    wake();
}

void Controller::note_running(const std::string& name) {
    const auto it = known_.find(name);
    const bool runs = it != known_.end() && it->second.run && it->second.run->begun();
    if (!runs) {
        if (running_.erase(name) > 0) gatekeeper_.note_hits(name, {});
        return;
    }
    const Run& run = *it->second.run;
    const auto hits = it->second.hits;
    if (running_.contains(name) && hits == run.targets.size()) return;
    if (running_.insert(name).second) {
        if (settings_.watch_gates) settings_.watch_gates();
        if (is_monkey(name)) {
            const auto due = it->second.due_at.value_or(run.created_at);
            metrics_.monkey_run(std::max(wall_now() - due, Duration{0}));
        }
    }
    it->second.hits = run.targets.size();
    Gatekeeper::Hits now{run::hit_services(run), {}};
    for (const auto& target : run.targets) now.names.insert(target.name);
    gatekeeper_.note_hits(name, std::move(now));
}

// When the monkey has hit which service, for chaos_monkey.min_spacing.
void Controller::note_monkey_hits(const std::string& name, const Run& run) {
    if (!is_monkey(name)) return;
    for (const auto& fault : run.faults) {
        const auto target = std::ranges::find(run.targets, fault.target, &RunTarget::name);
        if (!fault.injected_at || target == run.targets.end()) continue;
        const auto key = safety::service_key(target->project, target->service);
        auto& last = monkey_hits_[key];
        if (last >= *fault.injected_at) continue;
        last = *fault.injected_at;
        note(std::string{kHitNote} + key, std::to_string(last.time_since_epoch().count()));
    }
    // An edit may ask for a longer rest.
    const auto rested = wall_now() - std::max(gatekeeper_.config().monkey.min_spacing, kKeepHits);
    for (auto it = monkey_hits_.begin(); it != monkey_hits_.end();) {
        const bool past = it->second <= rested;
        if (past) note(std::string{kHitNote} + it->first, "");
        it = past ? monkey_hits_.erase(it) : std::next(it);
    }
}

void Controller::restore_monkey_hits() {
    for (const auto& [key, value] : notes_) {
        if (!key.starts_with(kHitNote)) continue;
        const Duration at{std::strtoll(value.c_str(), nullptr, 10)};
        monkey_hits_[key.substr(kHitNote.size())] = TimePoint{at};
    }
}

void Controller::follow_probes(const std::string& name, const Known& known) const {
    if (!settings_.follow_probes || !known.good || !known.run) return;
    settings_.follow_probes(name, known.good->experiment.spec.probes, run::probe_phase(*known.run));
}

void Controller::note_probe(const std::string& experiment, const std::string& probe,
                            ProbePhase phase, const std::string& why) {
    const auto it = known_.find(experiment);
    if (it == known_.end() || !it->second.active()) return;
    auto& probes = it->second.probes;
    auto state = std::ranges::find(probes, probe, &ProbeState::name);
    if (state == probes.end()) state = probes.insert(probes.end(), ProbeState{probe, {}});
    auto& result = state->in(phase);
    ++(why.empty() ? result.successes : result.failures);
    result.last = why.empty();
    if (!why.empty()) result.message = why;
    queue_.add(experiment, it->second.run->holds_faults());
    wake();
}

std::set<std::string> Controller::rested_services(const std::string& name) const {
    std::set<std::string> keys;
    if (!is_monkey(name)) return keys;
    const auto since = wall_now() - gatekeeper_.config().monkey.min_spacing;
    for (const auto& [key, hit] : monkey_hits_) {
        if (hit > since) keys.insert(key);
    }
    // Another one that is about to hit them, or has not ended yet.
    for (const auto& other : running_) {
        if (other == name || !is_monkey(other)) continue;
        keys.merge(run::hit_services(*known_.at(other).run));
    }
    return keys;
}

// In mode production the monkey waits for a window, whatever its schedule says of safe mode.
bool Controller::is_safe(const std::string& name, const Spec& spec) const {
    if (!spec.safety.safe_mode) return false;
    return !is_monkey(name) ||
           noted(std::string{kMonkeyModeNote}) != config::to_string(MonkeyMode::kProduction);
}

bool Controller::is_back_to_back(const std::string& name) const {
    return is_monkey(name) &&
           noted(std::string{kMonkeyModeNote}) == config::to_string(MonkeyMode::kAggressive);
}

std::vector<safety::Closed> Controller::closed_to(const std::string& name, const Known& known) {
    const bool begun = known.run && known.run->begun();
    const bool over = begun && !known.run->underway();
    if (over || !known.good) return {};  // what is being undone needs no leave
    const safety::Question question{.safe_mode = is_safe(name, known.good->experiment.spec),
                                    .begun = begun,
                                    .running = running_.size() - (running_.contains(name) ? 1 : 0)};
    return gatekeeper_.closed(question);
}

bool Controller::watch_gates() {
    bool interested = false;
    for (const auto& [name, known] : known_) {
        const bool waits = known.run && known.run->phase == Phase::kWaiting;
        if (!waits && !running_.contains(name)) continue;
        interested = true;
        const auto closed = closed_to(name, known);
        // Nothing has changed for one that goes on, and for one that waits for the same gate.
        if (waits ? !closed.empty() && closed.front().reason == known.run->reason
                  : closed.empty()) {
            continue;
        }
        queue_.add(name, known.run->holds_faults());
    }
    if (interested) wake();
    return interested;
}

// What a gate refused, or ended, as an event (the run has it), a metric and a line of the log.
void Controller::note_refusals(const Run& before, const Run& run) {
    static const auto kReasons = safety::gate_reasons();
    const auto is_gate = [](const std::string& reason) {
        return std::ranges::find(kReasons, reason) != kReasons.end();
    };
    const bool waits = run.phase == Phase::kWaiting &&
                       (before.phase != Phase::kWaiting || before.reason != run.reason);
    const bool ended = run.stop_reason != before.stop_reason && is_gate(run.stop_reason);
    const bool spared = run.reason == "Protected" && before.reason != run.reason;
    if (!(waits && is_gate(run.reason)) && !ended && !spared) return;
    if (waits && settings_.watch_gates) settings_.watch_gates();
    const auto& reason = ended ? run.stop_reason : run.reason;
    metrics_.safety_violation(reason);
    log::warning(ended    ? "ended by a gate"
                 : spared ? "refused"
                          : "waits for a gate",
                 {{"experiment", run.experiment},
                  {"gate", reason},
                  {"why", ended ? run.events.back().message : run.message}});
}

}  // namespace chaos::runtime
