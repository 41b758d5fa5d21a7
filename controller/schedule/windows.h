// Maintenance windows and blackout dates. Pure but for the system's time zone data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/schedule.h"

namespace chaos::schedule {

[[nodiscard]] bool is_open(const Window& window, TimePoint now);

// When the next of them opens after `now`; absent where there is none.
[[nodiscard]] std::optional<TimePoint> next_opening(const std::vector<Window>& windows,
                                                    TimePoint now);

// A date, or a range of dates with both ends: "2026-12-24", "2026-12-24/2027-01-01", each day in
// the zone. Errors: kInvalid.
struct Blackout {
    int first = 0;  // days since 1970-01-01
    int last = 0;

    friend bool operator==(const Blackout&, const Blackout&) = default;
};
[[nodiscard]] Result<Blackout> parse_blackout(std::string_view text);
[[nodiscard]] bool covers(const Blackout& blackout, std::string_view zone, TimePoint now);

}  // namespace chaos::schedule
