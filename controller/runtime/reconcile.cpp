// What one reconcile of an experiment does.
#include <algorithm>

#include "controller/api/clock.h"
#include "controller/run/peers.h"
#include "controller/runtime/controller.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

constexpr Duration kStoreRetry = std::chrono::seconds{1};

const Spec& spec_of(const source::Good* good) {
    static const Spec kNone;
    return good != nullptr ? good->experiment.spec : kNone;
}

}  // namespace

Task<Result<>> Controller::save(Run& run) {
    auto& known = known_[run.experiment];
    const auto good = known.good;
    const auto text_hash = good ? std::hash<std::string>{}(good->text) : known.stored;
    std::optional<store::StoredExperiment> manifest;
    if (text_hash != known.stored) {
        manifest = {run.experiment, known.generation, good->digest, good->text, good->path};
    }
    auto job = [this, copy = run, manifest]() -> Result<std::int64_t> {
        return store_.save(copy, manifest ? &*manifest : nullptr);
    };
    const bool first = run.id == 0;
    auto id = co_await store_worker_.run(std::move(job));
    if (!id) co_return std::unexpected(id.error());
    if (const auto it = known_.find(run.experiment); it != known_.end()) {
        it->second.stored = text_hash;
    }
    run.id = *id;
    if (run.fired() && !run.scheduled()) fired_.insert({run.experiment, run.digest, run.run_id});
    if (first) metrics_.run_started();
    co_return Result<>{};
}

// What the store does not take is tried again: it must not say for ever that a run goes on.
Task<> Controller::save_or_log(Run& run) {
    const auto saved = co_await save(run);
    if (std::exchange(known_[run.experiment].unsaved, !saved) && saved) {
        log::info("state stored again", {{"experiment", run.experiment}});
    }
    // Or the same would run again at once, for as long as nothing can be stored.
    if (!saved && run.finished()) fired_.insert({run.experiment, run.digest, run.run_id});
    if (!saved) {
        log::error("state store",
                   {{"experiment", run.experiment}, {"error", saved.error().context}});
    }
}

Task<std::optional<TimePoint>> Controller::reconcile(std::string name) {
    auto& known = known_[name];
    const auto it = desired_.entries().find(name);
    const bool wanted = it != desired_.entries().end();
    std::optional<source::Entry> entry;
    std::optional<TimePoint> due;
    if (wanted) {
        entry = it->second;
        known.path = entry->good ? known.path : entry->path;
        known.document = entry->document;
    }
    if (entry && entry->good) {
        take_over(known, entry->good);
        drop_stale_wait(known);
        due = follow_schedule(name, known);
        admit_new_run(name, known);
    }
    std::optional<TimePoint> again;
    if (known.active()) {
        const Run before = *known.run;
        take_edit(known);
        follow_clock(known);
        take_requests(known, *known.run);
        again = co_await advance(name, known, before, wanted);
        if (known.run->finished() != before.finished() || !known.active()) wake_waiting(name);
    }
    if (!known.active() && known.run && known.unsaved) co_await save_or_log(*known.run);
    if (!known.active() && looked_) {
        co_await note_presence(known, wanted);
        if (!wanted) again = after_deletion(name, known);
    }
    const auto it_now = known_.find(name);
    if (it_now == known_.end()) co_return again;
    tell(name, it_now->second, entry ? &*entry : nullptr);
    const auto retry = wall_now() + kStoreRetry;
    if (it_now->second.unsaved && (!again || retry < *again)) again = retry;
    if (due && (!again || *due < *again)) again = due;
    co_return again;
}

std::optional<run::Holder> Controller::holder_of(const std::string& but,
                                                 const std::string& container,
                                                 const std::string& resource) const {
    for (const auto& [name, known] : known_) {
        if (name == but || !known.run || !known.good) continue;
        if (!run::holds(*known.run, known.good->experiment.spec, container, resource)) continue;
        const bool ending = !known.run->underway() || !desired_.entries().contains(name);
        return run::Holder{name, ending};
    }
    return std::nullopt;
}

// A run has ended: what it held is free, and what was edited meanwhile may run.
void Controller::wake_waiting(const std::string& name) {
    queue_.add(name);
    for (const auto& [other, known] : known_) {
        if (known.run && known.run->phase == Phase::kWaiting) queue_.add(other);
    }
}

// By the annotation as it is now; while it cannot be read, as it was.
bool Controller::is_paused(const std::string& name, const source::Good* before) const {
    const auto it = desired_.entries().find(name);
    const auto* good =
        it != desired_.entries().end() && it->second.good ? it->second.good.get() : before;
    return good != nullptr && good->experiment.paused();
}

std::vector<std::string> Controller::due_meanwhile(Known& known, Run& run,
                                                   const run::Facts& facts) {
    if (known.asked.abort || known.asked.hold) {
        take_requests(known, run);
        // It must hold after a crash too, but nothing waits for the disk: this undoes.
        store_worker_.post([this, copy = run] {
            const auto saved = store_.save(copy, nullptr);
            if (!saved) log::error("state store", {{"error", saved.error().context}});
        });
    }
    auto now = run::decide(run, facts);
    if (run.stop_reason.empty() && !now.run.stop_reason.empty()) {
        run.stop_reason = std::move(now.run.stop_reason);
        run.events = std::move(now.run.events);
    }
    return std::move(now.plan.undo);
}

// What takes long is told meanwhile, too.
void Controller::tell_progress(const std::string& name, Known& known, const Run& run) {
    if (known.run == run) return;
    known.run = run;
    known.told.reset();
    const auto it = desired_.entries().find(name);
    tell(name, known, it == desired_.entries().end() ? nullptr : &it->second);
}

Task<std::optional<TimePoint>> Controller::advance(const std::string& name, Known& known,
                                                   Run before, bool wanted) {
    const auto good = known.good;  // stays, whatever is edited meanwhile
    const Spec& spec = spec_of(good.get());
    const std::function holder_of = [&](const std::string& container,
                                        const std::string& resource) -> std::optional<run::Holder> {
        return this->holder_of(name, container, resource);
    };
    // Made anew after every wait: the world goes on meanwhile.
    const auto facts = [&]() -> run::Facts {
        return {spec,
                wanted && desired_.entries().contains(name),
                is_paused(name, good.get()),
                stop_by_.has_value(),
                {world_.containers(), world_.synced(), world_.hosts(),
                 gatekeeper_.policy(name, rested_services(name))},
                holder_of,
                gatekeeper_.config().global.experiment_timeout,
                wall_now(),
                closed_to(name, known),
                known.probes};
    };
    for (const auto& target : run::interesting(*known.run, facts())) {
        co_await world_.ensure_details(target);
    }
    if (known.run->underway()) {
        for (const auto& host : run::peer_hostnames(spec)) world_.want_host(host);
    }
    auto decision = run::decide(*known.run, facts());
    Run run = std::move(decision.run);
    // Others must see at once which containers this run is about to hold.
    known.run = run;
    note_running(name);
    const bool acts = !decision.plan.empty();
    const auto planned_wait = decision.plan.wait_until;
    // What a person has asked for must hold after a crash too, so it is on the disk before it is
    // done. A deletion and an annotation are on the disk already.
    const bool asked = run.held != before.held ||
                       (run.stop_reason != before.stop_reason && run.stop_reason == kAbortedByHand);
    if (acts && asked) co_await save_or_log(run);
    if (acts) {
        Executor::Hooks hooks{
            [this](Run& r) { return save(r); },
            [&](Run& r) { return due_meanwhile(known, r, facts()); },
            [&](const Run& r) { tell_progress(name, known, r); },
        };
        co_await executor_.carry_out(std::move(decision.plan), run, std::move(hooks));
    }
    if (acts) decision.timeline.reset();  // the world has changed
    auto conclusion = run::conclude(std::move(run), facts(), std::move(decision.timeline));
    known.run = std::move(conclusion.run);
    note_running(name);
    note_monkey_hits(name, *known.run);
    if (known.due_at && !known.due_since && (known.run->begun() || known.run->finished())) {
        note_due(name, std::nullopt);
    }
    note_refusals(before, *known.run);
    follow_probes(name, known);
    const bool changed = *known.run != before;
    // That a fault was looked at, and found as it was, is nothing to be stored or told.
    const bool news = changed && !same_but_for_looks(*known.run, before);
    if (news) known.told.reset();
    const bool matters =
        !known.run->targets.empty() || known.run->finished() || known.run->held || before.held;
    if ((news && matters) || known.unsaved) {
        co_await save_or_log(*known.run);
    }
    note_recoveries(before, *known.run);
    if (known.run->finished() && !before.finished()) note_end(known);
    if (acts && changed && known.active()) co_return wall_now();
    auto next = conclusion.wait_until;
    if (planned_wait && (!next || *planned_wait < *next)) next = planned_wait;
    co_return next;
}

void Controller::note_recoveries(const Run& before, const Run& run) {
    for (const auto& target : run.targets) {
        const auto old = std::ranges::find(before.targets, target.name, &RunTarget::name);
        const bool known_already = old != before.targets.end() && old->recovered &&
                                   old->disturbed_at == target.disturbed_at;
        if (!target.recovered || !target.disturbed_at || known_already) continue;
        const auto took = target.time_to_healthy ? target.time_to_healthy : target.time_to_running;
        metrics_.target_recovered(took.value_or(Duration{0}));
    }
}

void Controller::note_end(Known& known) {
    const Run& run = *known.run;
    if (!run.dry_run) {
        metrics_.run_finished(run.verdict, *run.end_time - run.start_time.value_or(run.created_at));
    }
    known.history.insert(known.history.begin(), summarize(run));
    if (known.history.size() > store::kHistory) known.history.resize(store::kHistory);
    log::info("run ended", {{"experiment", run.experiment},
                            {"run", std::to_string(run.id)},
                            {"phase", to_string(run.phase)},
                            {"verdict", to_string(run.verdict)},
                            {"reason", run.reason},
                            {"message", run.message}});
}

// When a manifest was deleted must be known after a restart too, or its status file would stay.
Task<> Controller::note_presence(Known& known, bool wanted) {
    if (!known.run || known.run->deleted_at.has_value() != wanted) co_return;
    known.run->deleted_at = wanted ? std::nullopt : std::optional{wall_now()};
    co_await save_or_log(*known.run);
}

// The manifest is gone and so are its faults: the status file stays for a while, then all but the
// memory of what has fired is forgotten.
std::optional<TimePoint> Controller::after_deletion(const std::string& name, Known& known) {
    if (known.run) {
        const TimePoint until = *known.run->deleted_at + settings_.status_retention;
        if (wall_now() < until) return until;
    }
    tell(name, known,
         nullptr);  // so that the publisher knows which file it is, after a restart too
    publisher_.forget(name);
    forget_schedule(name);
    known_.erase(name);
    return std::nullopt;
}

bool Controller::manual_wait(const Known& known, const source::Entry* entry) const {
    return entry != nullptr && entry->good && known.good && !known.run &&
           known.good->experiment.spec.schedule == Schedule::kManual;
}

void Controller::tell(const std::string& name, Known& known, const source::Entry* entry) {
    // What goes into a status besides the run: where neither has changed there is nothing to tell.
    const Told told{entry != nullptr ? entry->path : known.path,
                    known.document,
                    known.good,
                    entry != nullptr ? entry->problems : std::vector<std::string>{},
                    desired_.unavailable(),
                    world_.synced(),
                    known.next_run};
    if (known.told == told) return;
    known.told = told;
    status::Facts facts;
    facts.name = name;
    facts.source = {entry != nullptr ? entry->path : known.path, known.document, known.digest};
    if (facts.source.path.empty()) return;
    facts.generation = known.generation;
    facts.problems = entry != nullptr ? entry->problems : std::vector<std::string>{};
    facts.rejected = entry != nullptr && !entry->good && !known.run;
    facts.unavailable = desired_.unavailable();
    facts.waiting_for_run_id = manual_wait(known, entry);
    facts.engine_synced = world_.synced();
    facts.run = known.run ? &*known.run : nullptr;
    facts.next_run = known.next_run;
    facts.history = known.history;
    const auto kept = known.good ? known.good->experiment.spec.history_limit : Spec{}.history_limit;
    if (facts.history.size() > kept) facts.history.resize(kept);
    publisher_.publish(facts, wall_now());
}

}  // namespace chaos::runtime
