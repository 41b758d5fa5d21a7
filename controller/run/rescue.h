// Which targets are to be started, and when. Pure parts of decide() and conclude().
#pragma once

#include "controller/run/lifecycle.h"

namespace chaos::run {

// When a target that is down is to be started; nullopt where there is nothing to start, while
// Docker does not answer, or while a fault of ours keeps it down on purpose.
[[nodiscard]] std::optional<TimePoint> rescue_time(const Run& run, const RunTarget& target,
                                                   const Facts& facts);

}  // namespace chaos::run
