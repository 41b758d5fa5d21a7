// Experiments that recur: when the next run is due, and what becomes of those that cannot begin.
#include <charconv>

#include "controller/api/clock.h"
#include "controller/run/admission.h"
#include "controller/run/random.h"
#include "controller/runtime/controller.h"
#include "controller/schedule/recurrence.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

constexpr std::string_view kBaseNote = "schedule/";  // and the experiment's name
constexpr std::string_view kDueNote = "due/";        // likewise: of a run that has not begun

// "BASE SCHEDULE", BASE in nanoseconds since 1970.
std::string base_note(TimePoint base, const std::string& schedule) {
    return std::to_string(base.time_since_epoch().count()) + " " + schedule;
}

// What makes a schedule another one: the manifest's words for it.
std::string words_of(const Spec& spec) {
    std::string words = spec.time_zone;
    if (const auto* cron = std::get_if<Cron>(&*spec.recurrence)) {
        for (const auto& bits :
             {cron->minutes.to_string(), cron->hours.to_string(), cron->days.to_string(),
              cron->months.to_string(), cron->weekdays.to_string()}) {
            words += "/" + bits;
        }
        return words + (cron->every_day ? "*" : "") + (cron->every_weekday ? "*" : "");
    }
    const auto* every = std::get_if<Every>(&*spec.recurrence);
    if (every != nullptr) return words + " every " + format_duration(every->interval);
    return words + " mean " + format_duration(std::get<Mean>(*spec.recurrence).interval);
}

}  // namespace

void Controller::note_due(const std::string& name, std::optional<TimePoint> due) {
    note(std::string{kDueNote} + name,
         due ? std::to_string(due->time_since_epoch().count()) : std::string{});
}

// A run that was due and had not begun when the controller ended is due still.
void Controller::restore_due() {
    for (const auto& [key, value] : notes_) {
        if (!key.starts_with(kDueNote)) continue;
        const TimePoint due{Duration{std::strtoll(value.c_str(), nullptr, 10)}};
        auto& known = known_[key.substr(kDueNote.size())];
        const auto id = std::string{kScheduledPrefix} + format_time(due);
        known.due_at = due;
        if (!known.run || known.run->run_id != id) known.due_since = due;
    }
}

void Controller::note_missed(const std::string& name, const std::string& why) {
    metrics_.run_missed();
    log::warning("a run was missed: " + why, {{"experiment", name}});
}

void Controller::restore_schedules() {
    for (const auto& [key, value] : notes_) {
        if (!key.starts_with(kBaseNote)) continue;
        std::int64_t base = 0;
        const auto blank = std::min(value.find(' '), value.size());
        const auto [end, error] = std::from_chars(value.data(), value.data() + blank, base);
        if (error != std::errc{} || end != value.data() + blank) continue;
        auto& known = known_[key.substr(kBaseNote.size())];
        known.schedule_base = TimePoint{Duration{base}};
        known.schedule = value.substr(std::min(blank + 1, value.size()));
    }
}

void Controller::set_base(const std::string& name, Known& known, TimePoint base) {
    known.schedule_base = base;
    note(std::string{kBaseNote} + name, base_note(base, known.schedule));
}

// Of a schedule that was looked at up to its base: at most one run is due, however many were
// missed.
std::optional<TimePoint> Controller::follow_schedule(const std::string& name, Known& known) {
    const auto& experiment = known.good->experiment;
    const auto& spec = experiment.spec;
    if (spec.schedule != Schedule::kRecurring) {
        known.next_run.reset();
        known.due_since.reset();
        known.due_at.reset();
        if (known.schedule_base) forget_schedule(name);
        known.schedule_base.reset();
        return std::nullopt;
    }
    const auto now = wall_now();
    const auto words = words_of(spec);
    // One in the future is of a clock that has been stepped back since.
    const bool ahead = known.schedule_base && *known.schedule_base > now + std::chrono::minutes{1};
    if (!known.schedule_base || known.schedule != words || ahead) {
        known.schedule = words;
        set_base(name, known, now);
    }
    const auto seed = run::derive_seed(name, words, "", settings_.host);
    const auto due = schedule::due(*spec.recurrence, spec.time_zone, *known.schedule_base,
                                   spec.starting_deadline, seed, now);
    known.next_run = due.next;
    if (due.at || due.missed) {
        set_base(name, known, now);
        known.next_run = schedule::next(*spec.recurrence, spec.time_zone, now, seed);
    }
    // What is paused, and what must not begin any more, is not due either.
    if (due.at && !experiment.paused() && !stop_by_) take_due(name, known, *due.at);
    if (due.missed) {
        note_missed(name, "it was due longer ago than spec.starting_deadline");
    }
    expire_waiting(name, known, now);
    return known.next_run;
}

// A run is due. One that is still going on keeps it from beginning, or is ended for it.
void Controller::take_due(const std::string& name, Known& known, TimePoint due) {
    const auto& spec = known.good->experiment.spec;
    const auto now = wall_now();
    if (!known.active()) {
        known.due_since = due;
        note_due(name, due);
        return;
    }
    // One that waits since it was due itself stands for all that come due meanwhile.
    if (known.run->scheduled() && known.run->underway() && !known.run->begun()) return;
    if (spec.concurrency_policy == ConcurrencyPolicy::kReplace && !known.run->finished()) {
        known.due_since = due;
        note_due(name, due);
        if (!known.run->stop_reason.empty()) return;
        known.run->stop_reason = "Replaced";
        known.run->add_event(now, true, "Replaced", "the next run is due; undoing every fault");
        return;
    }
    if (is_back_to_back(name)) return;
    metrics_.run_missed();
    known.run->add_event(now, true, "RunSkipped",
                         "a run was due while this one was not over (concurrency_policy)");
    log::info("a run that is due is skipped: the last one is not over", {{"experiment", name}});
}

// What was due while the last run was not over, or while there was no controller.
void Controller::drop_late(const std::string& name, Known& known) {
    const auto& deadline = known.good->experiment.spec.starting_deadline;
    if (!deadline || !known.due_since || wall_now() <= *known.due_since + *deadline) return;
    known.due_since.reset();
    note_due(name, std::nullopt);
    note_missed(name, "it could not begin within spec.starting_deadline");
}

// A run that waits for longer than it may start late does not start any more.
void Controller::expire_waiting(const std::string& name, Known& known, TimePoint now) {
    const auto& deadline = known.good->experiment.spec.starting_deadline;
    if (!deadline || !known.run || !known.run->scheduled()) return;
    Run& run = *known.run;
    const auto due = known.due_at.value_or(run.created_at);
    if (!run.underway() || !run.targets.empty() || now <= due + *deadline) return;
    run::finish(
        run, Phase::kFailed, Verdict::kError, "StartingDeadline",
        "it could not start in time: " + (run.message.empty() ? "not looked at" : run.message),
        now);
    run.settled = true;
    known.unsaved = true;
    note_due(name, std::nullopt);
    note_end(known);
}

void Controller::forget_schedule(const std::string& name) {
    note(std::string{kBaseNote} + name, "");
    note_due(name, std::nullopt);
}

std::vector<Controller::Upcoming> Controller::upcoming() const {
    std::vector<Upcoming> list;
    for (const auto& [name, known] : known_) {
        if (!known.schedule_base) continue;
        list.push_back({name, known.next_run, known.run ? &*known.run : nullptr});
    }
    return list;
}

}  // namespace chaos::runtime
