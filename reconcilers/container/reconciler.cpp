#include "reconcilers/container/reconciler.h"

#include "controller/api/clock.h"
#include "reconcilers/container/process.h"

namespace chaos::container {
namespace {

constexpr int kLooks = 50;
constexpr Duration kLookInterval = std::chrono::milliseconds{10};

Effect effect_now() { return {wall_now(), {}}; }

std::unexpected<Error> unknown(const std::string& target, std::string_view what) {
    return fail(ErrorCode::kUnavailable, target + ": " + std::string{what});
}

std::string join(const std::vector<int>& pids) {
    std::string text;
    for (const int pid : pids) text += (text.empty() ? "" : " ") + std::to_string(pid);
    return text;
}

}  // namespace

Task<Result<Effect>> ContainerReconciler::inject(const FaultRecord& record, bool again) {
    if (std::holds_alternative<ContainerPause>(record.spec)) return pause(record, again);
    if (std::holds_alternative<ContainerStop>(record.spec)) return stop(record, again);
    if (std::holds_alternative<ContainerRestart>(record.spec)) return restart(record);
    if (std::holds_alternative<ContainerRemove>(record.spec)) return remove(record);
    if (std::holds_alternative<ProcessKill>(record.spec)) return kill_processes(record);
    return kill(record);
}

Task<Result<Effect>> ContainerReconciler::undo(const FaultRecord& record) {
    if (std::holds_alternative<ContainerStop>(record.spec)) return start(record);
    return unpause(record);
}

Task<Result<Effect>> ContainerReconciler::observe(const FaultRecord& /*record*/) {
    co_return effect_now();
}

Task<Result<Container>> ContainerReconciler::same_life(Incarnation life) {
    auto container = co_await engine_.refresh(life.container_id);
    if (!container) co_return container;
    if (container->incarnation != life) {
        co_return fail(ErrorCode::kNotFound,
                       container->name + " was stopped or restarted since it was chosen");
    }
    co_return container;
}

Task<Result<Container>> ContainerReconciler::same_running_life(Incarnation life) {
    auto container = co_await same_life(life);
    if (container && container->state == ContainerState::kPaused) {
        co_return fail(ErrorCode::kConflict, container->name + " is paused, not by this project");
    }
    co_return container;
}

Task<Result<Effect>> ContainerReconciler::kill(FaultRecord record) {
    const auto& spec = std::get<ContainerKill>(record.spec);
    auto effect = effect_now();
    effect.evidence = {{"signal", signal_name(spec.signal)},
                       {"pid", std::to_string(record.incarnation.pid)}};
    if (spec.method == KillMethod::kApi) {
        const auto life = co_await same_life(record.incarnation);
        if (!life) co_return std::unexpected(life.error());
        effect.at = wall_now();
        const auto killed = co_await engine_.client().kill(record.incarnation.container_id,
                                                           signal_name(spec.signal));
        if (!killed) co_return wrap(record.target, killed.error());
        co_return effect;
    }
    // The pidfd and the cgroup say that this is a process of the container; that it is still the
    // life that was chosen follows from the PID, which a later life would not have.
    const auto sent =
        signal_process(record.incarnation.pid, record.incarnation.container_id, spec.signal);
    if (!sent) co_return wrap(record.target + ": kill", sent.error());
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::kill_processes(FaultRecord record) {
    const auto& spec = std::get<ProcessKill>(record.spec);
    auto effect = effect_now();
    const auto pids = signal_matching(record.incarnation.container_id, spec.match, spec.signal);
    if (!pids) co_return wrap(record.target + ": process_kill", pids.error());
    // SIGKILL takes effect in microseconds, other signals when their handler is done, or never.
    for (int look = 0; look < kLooks && count_ended(*pids) < pids->size(); ++look) {
        if (!co_await sleep_for(kLookInterval)) break;
    }
    effect.evidence = {{"signal", signal_name(spec.signal)}, {"pids", join(*pids)}};
    const auto ended = count_ended(*pids);
    if (ended > 0)
        effect.evidence["ended"] = std::to_string(ended) + " of " + std::to_string(pids->size());
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::pause(FaultRecord record, bool again) {
    const auto life = co_await same_life(record.incarnation);
    if (!life) co_return wrap(record.target + ": pause", life.error());
    if (life->state == ContainerState::kPaused && !again) {
        co_return fail(ErrorCode::kConflict,
                       record.target + ": pause: already paused, and not by this project");
    }
    auto effect = effect_now();
    if (life->state != ContainerState::kPaused) {
        const auto paused = co_await engine_.client().pause(record.incarnation.container_id);
        if (!paused) co_return wrap(record.target, paused.error());
        effect.at = wall_now();
    }
    const auto after = co_await engine_.refresh(record.incarnation.container_id);
    if (!after) co_return unknown(record.target, after.error().context);
    if (after->state != ContainerState::kPaused) {
        co_return unknown(record.target,
                          "pause: read back as " + std::string{to_string(after->state)});
    }
    effect.evidence = {{"state", "paused"}};
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::unpause(FaultRecord record) {
    const auto life = co_await same_life(record.incarnation);
    if (!life) co_return wrap(record.target + ": unpause", life.error());
    auto effect = effect_now();
    if (life->state == ContainerState::kPaused) {
        const auto done = co_await engine_.client().unpause(record.incarnation.container_id);
        // Somebody may have been quicker; the read-back tells.
        if (!done && done.error().code != ErrorCode::kConflict) {
            co_return wrap(record.target, done.error());
        }
        effect.at = wall_now();
        const auto after = co_await engine_.refresh(record.incarnation.container_id);
        if (!after) co_return wrap(record.target + ": unpause", after.error());
        if (after->state == ContainerState::kPaused) {
            co_return unknown(record.target, "unpause: still paused");
        }
    }
    effect.evidence = {{"state_after", "running"}};
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::bring_down(FaultRecord record, Duration grace,
                                                     bool again) {
    auto effect = effect_now();
    const auto stopped = co_await engine_.client().stop(record.incarnation.container_id, grace);
    if (!stopped) co_return wrap(record.target, stopped.error());
    if (*stopped == docker::Outcome::kAlready && !again) {
        co_return fail(ErrorCode::kNotFound, record.target + ": stop: went down by itself");
    }
    const auto after = co_await engine_.refresh(record.incarnation.container_id);
    if (!after) co_return unknown(record.target, after.error().context);
    if (after->running()) co_return unknown(record.target, "stop: still running");
    effect.evidence = {{"state", std::string{to_string(after->state)}}};
    if (after->exit_code) effect.evidence["exit_code"] = std::to_string(*after->exit_code);
    co_return effect;
}

// `again`: the record may stem from a life of the controller that ended in between; the container
// is then down already, and that is ours.
Task<Result<Effect>> ContainerReconciler::stop(FaultRecord record, bool again) {
    const auto& spec = std::get<ContainerStop>(record.spec);
    const auto life = co_await same_running_life(record.incarnation);
    const bool down_already = again && !life && life.error().code == ErrorCode::kNotFound;
    if (!life && !down_already) co_return wrap(record.target + ": stop", life.error());
    co_return co_await bring_down(record, spec.grace, again);
}

Task<Result<Effect>> ContainerReconciler::start(FaultRecord record) {
    const auto id = record.incarnation.container_id;
    const auto before = co_await engine_.refresh(id);
    if (!before) co_return wrap(record.target + ": start", before.error());
    auto effect = effect_now();
    const bool perhaps_stopping = record.state == FaultState::kRecorded && record.recorded_at &&
                                  before->incarnation == record.incarnation &&
                                  wall_now() < *record.recorded_at + longest_effect(record.spec);
    if (before->running() && perhaps_stopping) {
        // Docker carries a stop out although whoever asked for it has died: it may still come.
        co_return unknown(record.target, "start: the stop may still be under way");
    }
    if (!before->running()) {
        const auto started = co_await engine_.client().start(id);
        if (!started) co_return wrap(record.target, started.error());
        const auto after = co_await engine_.refresh(id);
        if (!after) co_return wrap(record.target + ": start", after.error());
        // One that ends at once has been started all the same; its recovery tells the rest.
        effect.evidence["state_after"] = to_string(after->state);
        co_return effect;
    }
    effect.evidence["state_after"] = to_string(before->state);
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::restart(FaultRecord record) {
    const auto life = co_await same_running_life(record.incarnation);
    if (!life) co_return wrap(record.target + ": restart", life.error());
    auto effect = effect_now();
    const auto grace = std::get<ContainerRestart>(record.spec).grace;
    const auto done = co_await engine_.client().restart(record.incarnation.container_id, grace);
    if (!done) co_return wrap(record.target, done.error());
    const auto after = co_await engine_.refresh(record.incarnation.container_id);
    if (!after) co_return unknown(record.target, after.error().context);
    if (after->incarnation == record.incarnation) {
        co_return unknown(record.target, "restart: still in its old life");
    }
    if (after->incarnation) effect.evidence["next_started_at"] = after->incarnation->started_at;
    co_return effect;
}

Task<Result<Effect>> ContainerReconciler::remove(FaultRecord record) {
    const auto life = co_await same_running_life(record.incarnation);
    if (!life) co_return wrap(record.target + ": remove", life.error());
    const auto& spec = std::get<ContainerRemove>(record.spec);
    auto effect = co_await bring_down(record, spec.grace, false);
    if (!effect) co_return effect;
    const auto id = record.incarnation.container_id;
    const auto removed = co_await engine_.client().remove(id, spec.volumes);
    // Refused after the stop: it is down, so something was done.
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
        co_return unknown(record.target, removed.error().context);
    }
    const auto after = co_await engine_.refresh(id);
    if (after || after.error().code != ErrorCode::kNotFound) {
        co_return unknown(record.target, "remove: still there");
    }
    effect->evidence["removed"] = id.substr(0, 12);
    co_return effect;
}

}  // namespace chaos::container
