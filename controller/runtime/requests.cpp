// What persons ask of the controller: noted here, carried out by the next reconcile of the key.
#include "controller/api/clock.h"
#include "controller/runtime/controller.h"

namespace chaos::runtime {

void Controller::take_requests(Known& known, Run& run) {
    auto& asked = known.asked;
    if (asked.hold) run.held = *asked.hold;
    if (asked.abort && !run.finished() && run.stop_reason.empty()) {
        run.stop_reason = kAbortedByHand;
        run.add_event(wall_now(), true, run.stop_reason, "aborting: undoing every fault");
    }
    if (asked.recover) {
        for (auto& fault : run.faults) fault.not_before.reset();
        for (auto& target : run.targets) target.rescues = 0;
        for (auto& target : run.targets) target.rescue_not_before.reset();
    }
    const auto new_run = asked.run;
    asked = {};
    asked.run = new_run;  // taken by admit_new_run, when this one is over
}

Result<Controller::Known*> Controller::find_active(const std::string& name) {
    const auto it = known_.find(name);
    if (it == known_.end()) return fail(ErrorCode::kNotFound, "no experiment \"" + name + "\"");
    if (!it->second.active()) {
        return fail(ErrorCode::kConflict, name + " has no run that is going on");
    }
    return &it->second;
}

Result<std::string> Controller::run_now(const std::string& name, bool dry_run, bool only_if_safe) {
    const auto entry = desired_.entries().find(name);
    if (entry == desired_.entries().end() || !entry->second.good) {
        return fail(ErrorCode::kNotFound, "no valid experiment \"" + name + "\"");
    }
    if (only_if_safe && !entry->second.good->experiment.spec.safety.safe_mode) {
        return fail(ErrorCode::kConflict,
                    name + " has spec.safety.safe_mode: false; change it there to run it safely");
    }
    if (!gatekeeper_.halted().empty()) {
        return fail(ErrorCode::kConflict,
                    "everything is stopped (" + gatekeeper_.halted() + "); chaosctl resume first");
    }
    auto& known = known_[name];
    if (known.run && !known.run->finished()) {
        return fail(ErrorCode::kConflict, name + " is running already; abort it first");
    }
    known.asked.run = dry_run;
    queue_.add(name);
    wake();
    if (known.active()) {
        return name + ": the run starts when the targets of the last one have recovered";
    }
    return name + (dry_run ? ": dry run started" : ": run started");
}

Result<std::string> Controller::hold(const std::string& name, bool held) {
    auto known = find_active(name);
    if (!known) return std::unexpected(known.error());
    if ((*known)->run->finished()) return fail(ErrorCode::kConflict, name + " has ended");
    const auto& good = (*known)->good;
    if (!held && good && good->experiment.paused()) {
        return fail(ErrorCode::kConflict, name + " is paused by the annotation " +
                                              std::string{kPausedAnnotation} + " in " + good->path +
                                              "; remove it there");
    }
    (*known)->asked.hold = held;
    queue_.add(name, true);
    wake();
    return name + (held ? ": paused" : ": resumed");
}

Result<std::string> Controller::abort(const std::string& name) {
    auto known = find_active(name);
    if (!known) return std::unexpected(known.error());
    if ((*known)->run->finished()) return fail(ErrorCode::kConflict, name + " has ended");
    (*known)->asked.abort = true;
    queue_.add(name, true);
    wake();
    return name + ": aborting";
}

Result<std::string> Controller::recover(const std::string& name) {
    const auto it = known_.find(name);
    if (it == known_.end() || !it->second.run) {
        return fail(ErrorCode::kNotFound, "no run of \"" + name + "\"");
    }
    auto& run = *it->second.run;
    if (run.phase == Phase::kCleanupFailed && run.settled) {
        run.settled = false;
        run.end_time.reset();
    } else if (!it->second.active()) {
        return fail(ErrorCode::kConflict, name + " has nothing to recover");
    }
    it->second.asked.recover = true;
    queue_.add(name, true);
    wake();
    return name + ": trying again";
}

Result<std::string> Controller::recover_all() {
    std::string names;
    for (const auto& [name, known] : known_) {
        const bool failed = known.run && known.run->phase == Phase::kCleanupFailed;
        if (!failed && !(known.active() && known.run->recovering())) continue;
        if (recover(name)) names += (names.empty() ? "" : ", ") + name;
    }
    if (names.empty()) return std::string{"nothing is to be recovered"};
    return "trying again: " + names;
}

}  // namespace chaos::runtime
