#include "controller/schedule/windows.h"

#include <sstream>

#include "controller/schedule/zone.h"

namespace chaos::schedule {
namespace {

date::local_seconds local_of(const date::time_zone& zone, TimePoint now) {
    return date::floor<std::chrono::seconds>(zone.to_local(now));
}

bool starts_on(const Window& window, date::local_days day) {
    return window.days.test(date::weekday{day}.c_encoding());
}

bool lies_in(const Window& window, date::local_days day, date::local_seconds local) {
    if (!starts_on(window, day)) return false;
    const auto length = window.end > window.start
                            ? window.end - window.start
                            : window.end + std::chrono::hours{24} - window.start;
    const date::local_seconds begin = day + window.start;
    return begin <= local && local < begin + length;
}

std::optional<int> parse_day(std::string_view text) {
    std::istringstream in{std::string{text}};
    date::sys_days day;
    in >> date::parse("%F", day);
    if (in.fail() || in.peek() != std::char_traits<char>::eof() || text.size() != 10) {
        return std::nullopt;
    }
    return static_cast<int>(day.time_since_epoch().count());
}

}  // namespace

bool is_open(const Window& window, TimePoint now) {
    const auto* zone = find_zone(window.time_zone);
    if (zone == nullptr) return false;
    const auto local = local_of(*zone, now);
    const auto today = date::floor<date::days>(local);
    // One that crosses midnight began yesterday.
    return lies_in(window, today, local) || lies_in(window, today - date::days{1}, local);
}

std::optional<TimePoint> next_opening(const std::vector<Window>& windows, TimePoint now) {
    std::optional<TimePoint> first;
    for (const auto& window : windows) {
        const auto* zone = find_zone(window.time_zone);
        if (zone == nullptr) continue;
        const auto today = date::floor<date::days>(local_of(*zone, now));
        for (int i = 0; i <= 7; ++i) {
            const auto day = today + date::days{i};
            if (!starts_on(window, day)) continue;
            const date::local_seconds begin = day + window.start;
            const TimePoint time = zone->to_sys(begin, date::choose::earliest);
            if (time <= now) continue;
            if (!first || time < *first) first = time;
            break;
        }
    }
    return first;
}

Result<Blackout> parse_blackout(std::string_view text) {
    const auto slash = text.find('/');
    const auto first = parse_day(text.substr(0, slash));
    const auto last = slash == std::string_view::npos ? first : parse_day(text.substr(slash + 1));
    if (!first || !last || *last < *first) {
        return fail(ErrorCode::kInvalid,
                    "found \"" + std::string{text} +
                        "\", expected a date such as 2026-12-24 or a range such as "
                        "2026-12-24/2027-01-01");
    }
    return Blackout{*first, *last};
}

bool covers(const Blackout& blackout, std::string_view zone_name, TimePoint now) {
    const auto* zone = find_zone(zone_name);
    if (zone == nullptr) return true;  // unknown: not safe
    const auto day = date::floor<date::days>(local_of(*zone, now)).time_since_epoch().count();
    return blackout.first <= day && day <= blackout.last;
}

}  // namespace chaos::schedule
