#include "controller/schedule/recurrence.h"

#include <cmath>
#include <random>

#include "controller/schedule/zone.h"

namespace chaos::schedule {
namespace {

// A cron line that names 29 February waits eight years at most (1896 to 1904, 2096 to 2104).
constexpr int kDaysAhead = 366 * 9;

bool matches(const Cron& cron, date::local_days day) {
    const date::year_month_day date{day};
    if (!cron.months.test(static_cast<unsigned>(date.month()))) return false;
    const bool by_date = cron.days.test(static_cast<unsigned>(date.day()));
    const bool by_weekday = cron.weekdays.test(date::weekday{day}.c_encoding());
    if (cron.every_day || cron.every_weekday) return by_date && by_weekday;
    return by_date || by_weekday;
}

// The first time of the day after `after`; absent where there is none.
std::optional<TimePoint> in_day(const Cron& cron, const date::time_zone& zone, date::local_days day,
                                TimePoint after) {
    for (std::size_t hour = 0; hour < 24; ++hour) {
        if (!cron.hours.test(hour)) continue;
        for (std::size_t minute = 0; minute < 60; ++minute) {
            if (!cron.minutes.test(minute)) continue;
            const date::local_seconds local =
                day + std::chrono::hours{hour} + std::chrono::minutes{minute};
            const auto info = zone.get_info(local);
            if (info.result == date::local_info::nonexistent) continue;
            const TimePoint time{local.time_since_epoch() - info.first.offset};
            if (time > after) return time;
        }
    }
    return std::nullopt;
}

std::optional<TimePoint> next_cron(const Cron& cron, std::string_view zone_name, TimePoint after) {
    const auto* zone = find_zone(zone_name);
    if (zone == nullptr) return std::nullopt;
    auto day = date::floor<date::days>(zone->to_local(after));
    for (int i = 0; i < kDaysAhead; ++i, day += date::days{1}) {
        if (!matches(cron, day)) continue;
        if (const auto time = in_day(cron, *zone, day, after)) return time;
    }
    return std::nullopt;
}

// -mean * ln(u), u uniform in (0, 1]: the waiting time of a Poisson process.
Duration draw_wait(const Mean& mean, TimePoint after, std::uint64_t seed) {
    std::seed_seq sequence{static_cast<std::uint32_t>(seed),
                           static_cast<std::uint32_t>(seed >> 32U),
                           static_cast<std::uint32_t>(after.time_since_epoch().count()),
                           static_cast<std::uint32_t>(after.time_since_epoch().count() >> 32)};
    std::mt19937_64 generator{sequence};
    const double unit = (static_cast<double>(generator() >> 11U) + 1) * 0x1p-53;
    const double wait = -std::log(unit) * static_cast<double>(mean.interval.count());
    return Duration{static_cast<std::int64_t>(wait)};
}

}  // namespace

std::optional<TimePoint> next(const Recurrence& recurrence, std::string_view zone, TimePoint after,
                              std::uint64_t seed) {
    if (const auto* cron = std::get_if<Cron>(&recurrence)) return next_cron(*cron, zone, after);
    if (const auto* every = std::get_if<Every>(&recurrence)) return after + every->interval;
    return after + draw_wait(std::get<Mean>(recurrence), after, seed);
}

Due due(const Recurrence& recurrence, std::string_view zone, TimePoint base,
        std::optional<Duration> deadline, std::uint64_t seed, TimePoint now) {
    const auto first = next(recurrence, zone, base, seed);
    if (!first || *first > now) return {.next = first};
    Due result{.next = next(recurrence, zone, now, seed)};
    // A random time, and one counted from the last run, is the only one since then.
    const auto late_after = deadline ? now - *deadline - Duration{1} : base;
    const auto last = std::holds_alternative<Cron>(recurrence)
                          ? next(recurrence, zone, std::max(base, late_after), seed)
                          : (*first > late_after ? first : std::nullopt);
    if (last && *last <= now) result.at = last;
    result.missed = !result.at;
    return result;
}

bool is_time_zone(std::string_view name) { return find_zone(name) != nullptr; }

}  // namespace chaos::schedule
