#include "reconcilers/custom/reconciler.h"

#include "controller/api/clock.h"
#include "reconcilers/custom/program.h"

namespace chaos::custom {
namespace {

Request request_of(const FaultRecord& record, bool undoing) {
    const auto& fault = std::get<CustomFault>(record.spec);
    return {.argv = undoing ? fault.action.undo : fault.action.inject,
            .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "LANG=C.UTF-8", "CHAOS_ACTION=" + fault.name,
                            std::string{"CHAOS_PHASE="} + (undoing ? "undo" : "inject"),
                            "CHAOS_EXPERIMENT=" + record.experiment, "CHAOS_FAULT=" + record.id,
                            "CHAOS_TARGET=" + record.target, "CHAOS_SERVICE=" + record.service,
                            "CHAOS_CONTAINER_ID=" + record.incarnation.container_id,
                            "CHAOS_CONTAINER_PID=" + std::to_string(record.incarnation.pid)},
            .input = fault.parameters + "\n",
            .timeout = fault.action.timeout,
            .given_up = {}};
}

}  // namespace

Task<Result<Effect>> CustomReconciler::run(FaultRecord record, bool undoing,
                                           std::shared_ptr<const std::atomic<bool>> given_up) {
    auto request = request_of(record, undoing);
    request.given_up = std::move(given_up);
    auto job = [request] { return run_program(request); };
    auto& worker = undoing ? undoing_ : injecting_;
    const auto outcome = co_await worker.run(std::move(job));
    const std::string phase = undoing ? "undo" : "inject";
    if (!outcome) {
        auto error = outcome.error();
        // It has been killed: nothing of it is still to come.
        const bool ended = request.given_up && *request.given_up && is_instant(record.spec);
        if (ended) error.code = ErrorCode::kConflict;
        co_return wrap(record.target + ": " + phase, error);
    }
    if (outcome->exit_code != 0) {
        // What happens once is not tried twice; what lasts is tried again, and undone in any case.
        const auto code = is_instant(record.spec) ? ErrorCode::kConflict : ErrorCode::kUnavailable;
        co_return fail(code, record.target + ": " + phase + " of " +
                                 std::string{type_name(record.spec)} + " ended with exit code " +
                                 std::to_string(outcome->exit_code) +
                                 (outcome->output.empty() ? "" : ": " + outcome->output));
    }
    Effect effect{wall_now(), {}};
    effect.evidence[phase + "_exit_code"] = "0";
    effect.evidence[phase + "_time"] = humanize_duration(outcome->took);
    if (!outcome->output.empty()) effect.evidence[phase + "_output"] = outcome->output;
    co_return effect;
}

Task<Result<Effect>> CustomReconciler::inject(const FaultRecord& record, bool /*again*/) {
    return inject_unless_given_up(record);
}

Task<Result<Effect>> CustomReconciler::inject_unless_given_up(FaultRecord record) {
    const auto given_up = std::make_shared<std::atomic<bool>>(false);
    under_way_[record.uid] = given_up;
    auto outcome = co_await run(record, false, given_up);
    under_way_.erase(record.uid);
    co_return outcome;
}

void CustomReconciler::give_up(const FaultRecord& record) {
    const auto it = under_way_.find(record.uid);
    if (it != under_way_.end()) *it->second = true;
}

Task<Result<Effect>> CustomReconciler::observe(const FaultRecord& /*record*/) {
    co_return Effect{wall_now(), {}};
}

Task<Result<Effect>> CustomReconciler::undo(const FaultRecord& record) {
    return run(record, true, nullptr);
}

}  // namespace chaos::custom
