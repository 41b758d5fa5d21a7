// The two clocks. Deadlines and times in files are by the wall clock, which may be stepped; how
// long something lasts is by the boot clock, which may not.
#pragma once

#include "controller/api/time.h"

namespace chaos {

[[nodiscard]] TimePoint wall_now();

// Since boot, suspend included (CLOCK_BOOTTIME), as a point of time of no calendar: only
// differences mean anything.
[[nodiscard]] TimePoint boot_now();

}  // namespace chaos
