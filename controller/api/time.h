// Time as the manifests, the status files and Docker write it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace chaos {

using Duration = std::chrono::nanoseconds;
// Wall-clock time, UTC. Docker's events carry nanoseconds, so nothing coarser is kept.
using TimePoint = std::chrono::sys_time<Duration>;

// Go's duration syntax, as in Kubernetes manifests: "500ms", "90s", "1h30m", "1.5s". Units: ns, us,
// ms, s, m, h. No sign, no spaces, no bare number; nullopt for anything else, and for what does not
// fit 64-bit nanoseconds (292 years).
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

// The shortest text that parse_duration reads back as the same value: "15m", "1h30m", "1.5s".
[[nodiscard]] std::string format_duration(Duration value);

// As format_duration, but rounded for a person: "1.23s", "45ms", "3m20s".
[[nodiscard]] std::string humanize_duration(Duration value);

// RFC 3339 in UTC with milliseconds: "2026-11-24T08:14:00.123Z".
[[nodiscard]] std::string format_time(TimePoint value);

// RFC 3339 with any number of fraction digits and "Z" or an offset, as Docker's inspect gives it.
// nullopt for anything else, and for Docker's "never" (year 1).
[[nodiscard]] std::optional<TimePoint> parse_time(std::string_view text);

}  // namespace chaos
