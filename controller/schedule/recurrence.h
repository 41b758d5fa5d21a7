// When a schedule is due. Pure but for the system's time zone data, which the library `date` reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/error.h"
#include "controller/api/schedule.h"

namespace chaos::schedule {

// "*/5 * * * *", "@hourly" and its like, "@every 90m", "daily 03:00", "mean 8h". Errors: kInvalid,
// saying what was found and what was expected, also for lines that no day ever matches.
[[nodiscard]] Result<Recurrence> parse(std::string_view text);

// The first time after `after` at which it is due. Local times that a change of the clock skips are
// skipped; of those that it repeats the first counts, as systemd.time(7) has it. `seed` decides
// where chance does. Absent: never.
[[nodiscard]] std::optional<TimePoint> next(const Recurrence& recurrence, std::string_view zone,
                                            TimePoint after, std::uint64_t seed);

// Of the times that have come since `base` one is left, whatever their number; the cost does not
// depend on it. `deadline`: how late it may be taken up.
struct Due {
    std::optional<TimePoint> at;  // when the one that is due was to begin
    bool missed = false;          // one was, too long ago
    std::optional<TimePoint> next;
};
[[nodiscard]] Due due(const Recurrence& recurrence, std::string_view zone, TimePoint base,
                      std::optional<Duration> deadline, std::uint64_t seed, TimePoint now);

[[nodiscard]] bool is_time_zone(std::string_view name);

}  // namespace chaos::schedule
