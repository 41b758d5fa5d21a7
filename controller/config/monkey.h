// The chaos monkey's experiments: each schedule is one, made as if somebody had written it.
#pragma once

#include <string>

#include "controller/api/config.h"

namespace chaos::config {

// "monkey-": the names of the monkey's experiments begin with it.
inline constexpr std::string_view kMonkeyPrefix = "monkey-";

// The manifest of a schedule's experiment in a mode: mode safe makes it safe, production makes it
// wait for a maintenance window, aggressive does not wait for its schedule.
[[nodiscard]] std::string manifest_of(const MonkeySchedule& schedule, MonkeyMode mode);

// Whether the schedule takes place in that mode at all.
[[nodiscard]] bool takes_place(const MonkeySchedule& schedule, MonkeyMode mode);

[[nodiscard]] std::string_view to_string(MonkeyMode mode);
[[nodiscard]] std::optional<MonkeyMode> parse_mode(std::string_view text);

}  // namespace chaos::config
