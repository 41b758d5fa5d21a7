#include "reconcilers/container/reconciler.h"

#include "reconcilers/container/process.h"

namespace chaos::container {
namespace {

using runtime::Effect;

TimePoint now() { return std::chrono::system_clock::now(); }

Effect effect_now() { return {now(), {}}; }

}  // namespace

Task<Result<Effect>> ContainerReconciler::inject(const FaultRecord& record, bool again) {
    if (std::holds_alternative<ContainerPause>(record.spec)) return pause(record, again);
    return kill(record);
}

Task<Result<Effect>> ContainerReconciler::undo(const FaultRecord& record) {
    return unpause(record);
}

Task<Result<Container>> ContainerReconciler::same_life(Incarnation life) {
    auto container = co_await engine_.refresh(life.container_id);
    if (!container) co_return container;
    if (container->incarnation != life) {
        co_return fail(ErrorCode::kNotFound,
                       container->name + " is no longer in the life that was chosen");
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
        effect.at = now();
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
        effect.at = now();
    }
    const auto after = co_await engine_.refresh(record.incarnation.container_id);
    if (!after) co_return fail(ErrorCode::kUnavailable, after.error().context);
    if (after->state != ContainerState::kPaused) {
        co_return fail(ErrorCode::kUnavailable, record.target + ": pause: read back as " +
                                                    std::string{to_string(after->state)});
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
        effect.at = now();
        const auto after = co_await engine_.refresh(record.incarnation.container_id);
        if (!after) co_return wrap(record.target + ": unpause", after.error());
        if (after->state == ContainerState::kPaused) {
            co_return fail(ErrorCode::kUnavailable, record.target + ": unpause: still paused");
        }
    }
    effect.evidence = {{"state_after", "running"}};
    co_return effect;
}

}  // namespace chaos::container
