#include "controller/api/time.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace chaos {
namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// Longest names first, so that "ms" is not read as "m".
constexpr std::array<Unit, 6> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    const auto digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

std::optional<std::int64_t> to_int(std::string_view digits) {
    std::int64_t value = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

const Unit* take_unit(std::string_view& text) {
    for (const auto& unit : kUnits) {
        if (text.starts_with(unit.name)) {
            // "m" must not swallow the start of "ms": the table lists "ms" before "m".
            text.remove_prefix(unit.name.size());
            return &unit;
        }
    }
    return nullptr;
}

// Nanoseconds of ".123" of a unit; digits beyond a nanosecond are dropped.
std::int64_t fraction_of(std::string_view digits, std::int64_t unit) {
    long double value = 0;
    long double scale = 1;
    for (const char c : digits.substr(0, 18)) {
        scale /= 10;
        value += scale * (c - '0');
    }
    return std::llround(value * static_cast<long double>(unit));
}

void append_number(std::string& out, std::int64_t whole, std::int64_t fraction, int width) {
    out += std::to_string(whole);
    if (fraction == 0) return;
    std::string digits = std::to_string(fraction);
    digits.insert(0, static_cast<std::size_t>(width) - digits.size(), '0');
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
}

std::optional<int> take_fixed(std::string_view& text, std::size_t width) {
    if (text.size() < width) return std::nullopt;
    auto head = text.substr(0, width);
    const auto digits = take_digits(head);
    if (digits.size() != width) return std::nullopt;
    text.remove_prefix(width);
    return static_cast<int>(*to_int(digits));
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

// "Z" or "+02:00"; the offset east of UTC.
std::optional<Duration> take_zone(std::string_view text) {
    if (text == "Z") return Duration{0};
    const bool east = text.starts_with('+');
    if (!east && !text.starts_with('-')) return std::nullopt;
    text.remove_prefix(1);
    const auto hours = take_fixed(text, 2);
    if (!hours || !take(text, ':')) return std::nullopt;
    const auto minutes = take_fixed(text, 2);
    if (!minutes || !text.empty()) return std::nullopt;
    const Duration offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
    return east ? offset : -offset;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
    const auto year = take_fixed(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_fixed(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_fixed(text, 2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    // 64-bit nanoseconds reach from 1678 to 2261; Docker writes year 1 for "never".
    if (!date.ok() || *year < 1970 || *year > 2261) return std::nullopt;
    return std::chrono::sys_days{date};
}

std::optional<Duration> take_clock(std::string_view& text) {
    const auto hour = take_fixed(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_fixed(text, 2);
    if (!minute || !take(text, ':')) return std::nullopt;
    const auto second = take_fixed(text, 2);
    if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    Duration value =
        std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
    if (take(text, '.')) {
        const auto digits = take_digits(text);
        if (digits.empty()) return std::nullopt;
        value += Duration{fraction_of(digits, 1'000'000'000)};
    }
    return value;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration{0};
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto whole = take_digits(text);
        std::string_view fraction;
        if (take(text, '.')) {
            fraction = take_digits(text);
            if (fraction.empty()) return std::nullopt;
        }
        if (whole.empty()) return std::nullopt;
        const Unit* unit = take_unit(text);
        const auto count = to_int(whole);
        if (unit == nullptr || !count) return std::nullopt;
        std::int64_t part = 0;
        if (__builtin_mul_overflow(*count, unit->nanoseconds, &part)) return std::nullopt;
        if (__builtin_add_overflow(part, fraction_of(fraction, unit->nanoseconds), &part)) {
            return std::nullopt;
        }
        if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
    }
    return Duration{total};
}

std::string format_duration(Duration value) {
    if (value == 0ns) return "0s";
    if (value < 0ns) return "-" + format_duration(-value);
    std::string out;
    const std::int64_t ns = value.count();
    if (ns < 1'000) return std::to_string(ns) + "ns";
    if (ns < 1'000'000) {
        append_number(out, ns / 1'000, ns % 1'000, 3);
        return out + "us";
    }
    if (ns < 1'000'000'000) {
        append_number(out, ns / 1'000'000, ns % 1'000'000, 6);
        return out + "ms";
    }
    const std::int64_t hours = ns / 3'600'000'000'000;
    const std::int64_t minutes = ns / 60'000'000'000 % 60;
    const std::int64_t rest = ns % 60'000'000'000;
    if (hours != 0) out += std::to_string(hours) + "h";
    if (minutes != 0) out += std::to_string(minutes) + "m";
    if (rest != 0) {
        append_number(out, rest / 1'000'000'000, rest % 1'000'000'000, 9);
        out += "s";
    }
    return out;
}

std::string humanize_duration(Duration value) {
    if (value < 0ns) return "-" + humanize_duration(-value);
    Duration step = 1ns;
    if (value >= 1min) {
        step = 1s;
    } else if (value >= 1s) {
        step = 10ms;
    } else if (value >= 1ms) {
        step = value >= 10ms ? Duration{1ms} : Duration{100us};
    }
    return format_duration((value + step / 2) / step * step);
}

std::string format_time(TimePoint value) {
    const auto days = std::chrono::floor<std::chrono::days>(value);
    const std::chrono::year_month_day date{days};
    const auto clock = std::chrono::floor<std::chrono::milliseconds>(value - days).count();
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock / 3'600'000),
                  static_cast<int>(clock / 60'000 % 60), static_cast<int>(clock / 1'000 % 60),
                  static_cast<int>(clock % 1'000));
    return text.data();
}

std::optional<TimePoint> parse_time(std::string_view text) {
    const auto date = take_date(text);
    if (!date || (!take(text, 'T') && !take(text, ' '))) return std::nullopt;
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    const auto zone = take_zone(text);
    if (!zone) return std::nullopt;
    return TimePoint{*date} + *clock - *zone;
}

}  // namespace chaos
