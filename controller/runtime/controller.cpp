#include "controller/runtime/controller.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/clock.h"
#include "controller/manifest/decode.h"
#include "controller/run/random.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

constexpr std::size_t kMaxInWork = 32;  // keys that undo nothing; those that do are not counted
constexpr Duration kBugRetry = std::chrono::seconds{1};
constexpr std::size_t kHistory = 10;

void report_bug(std::string_view what) {
    log::error("a task ended by an exception: this is a bug", {{"what", what}});
}

}  // namespace

Controller::Controller(boost::asio::any_io_executor executor, Settings settings, World& world,
                       ReconcilerTable reconcilers, source::Desired& desired, store::Store store,
                       Publisher& publisher, telemetry::Metrics& metrics)
    : settings_(std::move(settings)),
      world_(world),
      desired_(desired),
      store_(std::move(store)),
      publisher_(publisher),
      metrics_(metrics),
      tasks_(executor, report_bug),
      executor_(world, std::move(reconcilers), report_bug, metrics),
      wakeup_(executor) {}

Result<> Controller::restore() {
    auto loaded = store_.load();
    if (!loaded) return std::unexpected(loaded.error());
    fired_ = std::move(loaded->fired);
    for (auto& run : loaded->runs) {
        auto& known = known_[run.experiment];
        known.history = std::move(loaded->history[run.experiment]);
        if (run.active())
            std::erase_if(known.history, [&](const auto& h) { return h.id == run.id; });
        known.run = std::move(run);
    }
    for (const auto& stored : loaded->experiments) {
        auto& known = known_[stored.name];
        known.generation = stored.generation;
        known.digest = stored.digest;
        known.path = stored.path;
        if (!known.active()) continue;
        // A run goes on, so its last good spec is needed even if the file is broken or gone by now.
        for (auto& document : manifest::decode(stored.text)) {
            if (!document.experiment) continue;
            known.spec = document.experiment->spec;
            desired_.seed(stored.name, {std::move(*document.experiment), document.digest,
                                        stored.text, stored.path, 0});
        }
    }
    for (const auto& [name, known] : known_) {
        if (known.active()) queue_.add(name, known.run->holds_faults());
    }
    restored_ = true;
    return {};
}

void Controller::wake() { wakeup_.cancel(); }

void Controller::enqueue(const std::set<std::string>& names) {
    for (const auto& name : names) {
        // A deletion, and an edit of what is in force, may undo something.
        const auto it = known_.find(name);
        queue_.add(name, it != known_.end() && it->second.run && it->second.run->holds_faults());
    }
    wake();
}

void Controller::enqueue_active() {
    for (const auto& [name, known] : known_) {
        if (known.active()) queue_.add(name, known.run->holds_faults());
    }
    for (const auto& [name, entry] : desired_.entries()) {
        if (!known_.contains(name)) queue_.add(name);
    }
    wake();
}

void Controller::stop(Duration patience) {
    stop_by_ = boot_now() + patience;
    enqueue_active();
}

std::size_t Controller::active() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(known_, [](const auto& k) { return k.second.active(); }));
}

bool Controller::holds_faults() const {
    return std::ranges::any_of(
        known_, [](const auto& k) { return k.second.run && k.second.run->holds_faults(); });
}

Task<> Controller::run() {
    for (;;) {
        start_ready_keys();
        if (stop_by_) {
            const bool busy = queue_.in_work() > 0 || queue_.waiting() > 0;
            if ((!busy && !holds_faults()) || boot_now() >= *stop_by_) break;
        }
        auto next = queue_.next_time().value_or(boot_now() + std::chrono::hours{1});
        if (stop_by_) next = std::min(next, *stop_by_);
        wakeup_.expires_after(std::max(next - boot_now(), Duration{0}));
        co_await wakeup_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_await tasks_.join();
}

void Controller::start_ready_keys() {
    while (auto name = queue_.take(boot_now(), queue_.in_work() >= kMaxInWork)) {
        tasks_.spawn(work(std::move(*name)));
    }
    metrics_.queue_depth(queue_.waiting());
    // Counting takes a look at every experiment, so it is left for when there is nothing else to
    // do.
    if (queue_.waiting() == 0 && queue_.in_work() == 0) metrics_.runs_active(active());
}

Task<> Controller::work(std::string name) {
    const auto start = std::chrono::steady_clock::now();
    bool ok = true;
    try {
        const auto again = co_await reconcile(name);
        // By the clock that cannot be stepped, or a step would make it early or late.
        if (again) queue_.add_at(name, boot_now() + (*again - wall_now()));
    } catch (const std::exception& error) {
        // Whatever it is, the key must come again: it may hold faults.
        ok = false;
        log::error("reconcile ended by an exception: this is a bug",
                   {{"experiment", name}, {"what", error.what()}});
        queue_.add_at(name, boot_now() + kBugRetry);
    }
    metrics_.reconciled(ok, std::chrono::steady_clock::now() - start);
    queue_.done(name);
    wake();
}

Task<Result<>> Controller::save(Run& run) {
    const bool first = run.id == 0;
    auto manifest = std::exchange(known_[run.experiment].unstored, std::nullopt);
    auto job = [this, copy = run, manifest]() -> Result<std::int64_t> {
        if (manifest) {
            if (auto put = store_.put(*manifest); !put) return std::unexpected(put.error());
        }
        return store_.save(copy);
    };
    auto id = co_await store_worker_.run(std::move(job));
    if (!id) {
        if (manifest) known_[run.experiment].unstored = std::move(manifest);
        co_return std::unexpected(id.error());
    }
    run.id = *id;
    fired_.insert({run.experiment, run.digest, run.run_id});
    if (first) metrics_.run_started();
    co_return Result<>{};
}

// A new digest is a new generation. It is stored with the first run that follows from it: of ten
// thousand manifests that wait, none costs an fsync.
void Controller::take_over(const std::string& name, Known& known, const source::Good& good) {
    known.spec = good.experiment.spec;
    if (known.digest == good.digest && known.path == good.path) return;
    if (known.digest != good.digest) ++known.generation;
    known.digest = good.digest;
    known.path = good.path;
    known.unstored =
        store::StoredExperiment{name, known.generation, good.digest, good.text, good.path};
}

// A run for a spec and run-id that have not run: at once for `once`, with a run-id for `manual`.
std::optional<Run> Controller::new_run(const std::string& name, const Known& known,
                                       const source::Good& good) const {
    auto run_id = good.experiment.run_id();
    const auto& spec = good.experiment.spec;
    if (known.asked.run) {
        run_id = "asked-" + format_time(wall_now());
    } else if (fired_.contains({name, good.digest, run_id}) ||
               (spec.schedule == Schedule::kManual && run_id.empty())) {
        return std::nullopt;
    }
    Run run;
    run.experiment = name;
    run.digest = good.digest;
    run.run_id = run_id;
    run.generation = known.generation;
    run.seed = spec.seed ? static_cast<std::uint64_t>(*spec.seed)
                         : run::derive_seed(name, good.digest, run_id, settings_.host);
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

void Controller::admit_new_run(const std::string& name, Known& known, const source::Good& good) {
    const bool busy = known.run && !known.run->finished();
    if (busy || stop_by_ || !desired_.unavailable().empty()) return;
    if (auto fresh = new_run(name, known, good)) known.run = std::move(fresh);
    known.asked.run.reset();
}

Task<std::optional<TimePoint>> Controller::reconcile(std::string name) {
    auto& known = known_[name];
    const auto it = desired_.entries().find(name);
    const bool wanted = it != desired_.entries().end();
    std::optional<source::Entry> entry;
    if (wanted) {
        entry = it->second;
        known.deleted_at.reset();
        known.path = entry->good ? known.path : entry->path;
        known.document = entry->document;
    }
    if (entry && entry->good) {
        known.paused = entry->good->experiment.paused();
        take_over(name, known, *entry->good);
        admit_new_run(name, known, *entry->good);
    }
    std::optional<TimePoint> again;
    if (known.active()) {
        const Run before = *known.run;
        if (known.run->digest != known.digest && !known.run->finished()) {
            known.run->digest = known.digest;
            known.run->generation = known.generation;
            known.run->add_event(wall_now(), false, "SpecChanged",
                                 "generation " + std::to_string(known.generation));
        }
        follow_clock(known);
        take_requests(known, *known.run);
        again = co_await advance(name, known, before, wanted);
    }
    if (!wanted && !known.active()) again = after_deletion(name, known);
    if (known_.contains(name)) tell(name, known_[name], entry ? &*entry : nullptr);
    co_return again;
}

std::map<std::string, std::string> Controller::held_by_others(const std::string& name) const {
    std::map<std::string, std::string> held;
    for (const auto& [other, known] : known_) {
        if (other == name || !known.run || !known.spec) continue;
        for (auto& key : run::holdings(*known.run, *known.spec)) held[std::move(key)] = other;
    }
    return held;
}

Task<std::optional<TimePoint>> Controller::advance(const std::string& name, Known& known,
                                                   Run before, bool wanted) {
    const Spec spec = known.spec.value_or(Spec{});
    std::map<std::string, std::string> held;
    // Made anew after every wait: the world goes on meanwhile.
    const auto facts = [&]() -> run::Facts {
        return {spec,
                wanted,
                known.paused,
                stop_by_.has_value(),
                {world_.containers(), world_.synced()},
                held,
                settings_.experiment_timeout,
                wall_now()};
    };
    for (const auto& target : run::interesting(*known.run, facts())) {
        co_await world_.ensure_details(target);
    }
    held = held_by_others(name);
    auto decision = run::decide(*known.run, facts());
    Run run = std::move(decision.run);
    // Others must see at once which containers this run is about to hold.
    known.run = run;
    const bool acts = !decision.plan.empty();
    const auto planned_wait = decision.plan.wait_until;
    if (acts) {
        Executor::Save save_run = [this](Run& r) { return save(r); };
        co_await executor_.carry_out(std::move(decision.plan), run, std::move(save_run));
    }
    auto conclusion = run::conclude(std::move(run), facts());
    known.run = std::move(conclusion.run);
    const bool changed = *known.run != before;
    if (changed && (!known.run->targets.empty() || known.run->finished())) {
        if (const auto saved = co_await save(*known.run); !saved) {
            log::error("state store", {{"experiment", name}, {"error", saved.error().context}});
        }
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
    metrics_.run_finished(run.verdict, *run.end_time - run.start_time.value_or(run.created_at));
    known.history.insert(known.history.begin(), summarize(run));
    if (known.history.size() > kHistory) known.history.resize(kHistory);
    log::info("run ended", {{"experiment", run.experiment},
                            {"run", std::to_string(run.id)},
                            {"phase", to_string(run.phase)},
                            {"verdict", to_string(run.verdict)},
                            {"reason", run.reason},
                            {"message", run.message}});
}

// The manifest is gone and so are its faults: the status file stays for a while, then all but the
// memory of what has fired is forgotten.
std::optional<TimePoint> Controller::after_deletion(const std::string& name, Known& known) {
    if (!known.deleted_at) known.deleted_at = wall_now();
    const bool ever_ran = known.run.has_value();
    const TimePoint until = *known.deleted_at + settings_.status_retention;
    if (ever_ran && wall_now() < until) return until;
    publisher_.forget(name);
    known_.erase(name);
    return std::nullopt;
}

bool Controller::manual_wait(const Known& known, const source::Entry* entry) const {
    return entry != nullptr && entry->good && known.spec &&
           known.spec->schedule == Schedule::kManual && !known.run;
}

void Controller::tell(const std::string& name, const Known& known, const source::Entry* entry) {
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
    facts.history = known.history;
    publisher_.publish(facts, wall_now());
}

}  // namespace chaos::runtime
