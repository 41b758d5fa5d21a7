// Actions that users define: their own programs inject and undo.
#pragma once

#include "controller/runtime/reconciler.h"
#include "controller/runtime/worker.h"

namespace chaos::custom {

class CustomReconciler : public runtime::Reconciler {
public:
    // Whether the program succeeded is all that is known of the effect.
    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool again) override;
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& record) override;
    void restore(const FaultRecord& /*record*/) override {}
    // Also where the container is gone: what the program did need not be in it.
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override;

private:
    [[nodiscard]] Task<Result<Effect>> run(FaultRecord record, bool undoing);

    // Programs of users may take long; they must not keep each other waiting.
    runtime::Worker worker_{8};
};

}  // namespace chaos::custom
