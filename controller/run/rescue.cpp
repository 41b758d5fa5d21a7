#include "controller/run/rescue.h"

#include <algorithm>

#include "controller/run/admission.h"
#include "controller/run/recovery.h"

namespace chaos::run {

std::optional<TimePoint> rescue_time(const Run& run, const RunTarget& target, const Facts& facts) {
    const bool kept_down = std::ranges::any_of(
        run.faults, [&](const auto& f) { return f.target == target.name && f.holds(); });
    if (!facts.world.synced || kept_down) return std::nullopt;
    const bool hurry = facts.stopping || !run.stop_reason.empty();
    const auto due = rescue_due(target, find_container(facts.world, target.name), hurry);
    return due ? std::optional{std::max(*due, facts.now)} : std::nullopt;
}

}  // namespace chaos::run
