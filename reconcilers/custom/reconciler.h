// Actions that users define: their own programs inject and undo.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "controller/runtime/reconciler.h"
#include "controller/runtime/worker.h"

namespace chaos::custom {

class CustomReconciler : public runtime::Reconciler {
public:
    // Whether the program succeeded is all that is known of the effect.
    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool again) override;
    // Kills its program.
    void give_up(const FaultRecord& record) override;
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& record) override;
    void restore(const FaultRecord& /*record*/) override {}
    // Also where the container is gone: what the program did need not be in it.
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override;

private:
    [[nodiscard]] Task<Result<Effect>> run(FaultRecord record, bool undoing,
                                           std::shared_ptr<const std::atomic<bool>> given_up);
    [[nodiscard]] Task<Result<Effect>> inject_unless_given_up(FaultRecord record);

    // Programs of users may take long. They must not keep each other waiting, and least of all
    // those that undo.
    runtime::Worker injecting_{8};
    runtime::Worker undoing_{8};
    std::map<std::string, std::shared_ptr<std::atomic<bool>>> under_way_;  // by the record's uid
};

}  // namespace chaos::custom
