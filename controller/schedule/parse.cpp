#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "controller/schedule/recurrence.h"

namespace chaos::schedule {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

struct Macro {
    std::string_view name;
    std::string_view line;
};
constexpr std::array kMacros{
    Macro{"@yearly", "0 0 1 1 *"}, Macro{"@annually", "0 0 1 1 *"}, Macro{"@monthly", "0 0 1 * *"},
    Macro{"@weekly", "0 0 * * 0"}, Macro{"@daily", "0 0 * * *"},    Macro{"@midnight", "0 0 * * *"},
    Macro{"@hourly", "0 * * * *"},
};

Result<Recurrence> wrong(std::string_view text, const std::string& why) {
    return fail(ErrorCode::kInvalid, "found \"" + std::string{text} + "\", " + why);
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-') {
        return std::nullopt;
    }
    return value;
}

struct Field {
    std::string_view name;
    int least;
    int most;
    const std::string_view* words = nullptr;  // for `least`, `least` + 1, …
    std::size_t word_count = 0;
};

constexpr std::array kFields{
    Field{"minute", 0, 59},
    Field{"hour", 0, 23},
    Field{"day of the month", 1, 31},
    Field{"month", 1, 12, kMonths.data(), kMonths.size()},
    Field{"day of the week", 0, 7, kWeekdays.data(), kWeekdays.size()},
};

std::optional<int> value_of(std::string_view text, const Field& field) {
    std::string lower{text};
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::size_t i = 0; i < field.word_count; ++i) {
        if (field.words[i] == lower) return field.least + static_cast<int>(i);
    }
    if (text.empty()) return std::nullopt;
    const auto value = number(text);
    return value && *value >= field.least && *value <= field.most ? value : std::nullopt;
}

// "*", "5", "1-5", "*/10", "1-30/2", "5/15"
bool read_part(std::string_view part, const Field& field, std::bitset<61>& bits) {
    const auto slash = part.find('/');
    auto range = part.substr(0, slash);
    int step = 1;
    if (slash != std::string_view::npos) {
        const auto text = part.substr(slash + 1);
        const auto parsed = text.empty() ? std::nullopt : number(text);
        if (!parsed || *parsed < 1) return false;
        step = *parsed;
    }
    int from = field.least;
    int to = field.most;
    if (range != "*") {
        const auto dash = range.find('-');
        const auto first = value_of(range.substr(0, dash), field);
        if (!first) return false;
        from = *first;
        if (dash != std::string_view::npos) {
            const auto last = value_of(range.substr(dash + 1), field);
            if (!last || *last < from) return false;
            to = *last;
        } else if (slash == std::string_view::npos) {
            to = from;
        }
    }
    for (int i = from; i <= to; i += step) bits.set(static_cast<std::size_t>(i));
    return true;
}

bool read_field(std::string_view text, const Field& field, std::bitset<61>& bits) {
    for (;;) {
        const auto comma = text.find(',');
        if (!read_part(text.substr(0, comma), field, bits)) return false;
        if (comma == std::string_view::npos) return true;
        text.remove_prefix(comma + 1);
    }
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
        text.remove_prefix(begin);
        if (text.empty()) break;
        const auto end = std::min(text.find_first_of(" \t"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return words;
}

template <std::size_t N>
std::bitset<N> narrowed(const std::bitset<61>& bits) {
    std::bitset<N> result;
    for (std::size_t i = 0; i < N; ++i) result.set(i, bits.test(i));
    return result;
}

Result<Recurrence> parse_cron(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() != kFields.size()) {
        return wrong(text,
                     "expected once, manual, a cron line of five fields, @hourly, @every 90m, "
                     "daily 03:00 or mean 8h");
    }
    std::array<std::bitset<61>, kFields.size()> bits;
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        const auto& field = kFields[i];
        if (read_field(words[i], field, bits[i])) continue;
        return wrong(text, std::string{field.name} + " \"" + std::string{words[i]} +
                               "\", expected *, or numbers and ranges from " +
                               std::to_string(field.least) + " to " + std::to_string(field.most));
    }
    Cron cron{.minutes = narrowed<60>(bits[0]),
              .hours = narrowed<24>(bits[1]),
              .days = narrowed<32>(bits[2]),
              .months = narrowed<13>(bits[3]),
              .weekdays = narrowed<7>(bits[4]),
              .every_day = words[2].starts_with('*'),
              .every_weekday = words[4].starts_with('*')};
    if (bits[4].test(7)) cron.weekdays.set(0);  // 7 is Sunday, too
    // 1 January 1970 sees a leap day within two years, so that this is every kind of year.
    if (!next(cron, "UTC", TimePoint{}, 0)) return wrong(text, "which no day ever matches");
    return cron;
}

template <class T>
Result<Recurrence> parse_interval(std::string_view text, std::string_view rest) {
    const auto interval = parse_duration(rest);
    if (!interval || *interval < std::chrono::seconds{1}) {
        return wrong(text, "expected a duration of at least 1s behind it, such as 90m");
    }
    return T{*interval};
}

Result<Recurrence> parse_daily(std::string_view text, std::string_view time) {
    const auto colon = time.find(':');
    const auto hour = colon == 2 ? value_of(time.substr(0, 2), kFields[1]) : std::nullopt;
    const auto minute = time.size() == 5 ? value_of(time.substr(3), kFields[0]) : std::nullopt;
    if (!hour || !minute) return wrong(text, "expected a time such as 03:00 behind daily");
    return parse_cron(std::to_string(*minute) + " " + std::to_string(*hour) + " * * *");
}

}  // namespace

Result<Recurrence> parse(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() == 1 && words[0].starts_with('@')) {
        for (const auto& macro : kMacros) {
            if (macro.name == words[0]) return parse_cron(macro.line);
        }
        return wrong(text,
                     "expected @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually "
                     "or @every 90m");
    }
    if (words.size() == 2 && words[0] == "@every") return parse_interval<Every>(text, words[1]);
    if (words.size() == 2 && words[0] == "mean") return parse_interval<Mean>(text, words[1]);
    if (words.size() == 2 && words[0] == "daily") return parse_daily(text, words[1]);
    return parse_cron(text);
}

}  // namespace chaos::schedule
