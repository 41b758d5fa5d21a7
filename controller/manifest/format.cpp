// The formats that the CRD names and Kubernetes does not check.
#include <re2/re2.h>

#include <array>
#include <csignal>
#include <cstring>

#include "controller/api/time.h"
#include "controller/manifest/schema.h"
#include "controller/manifest/signal.h"

namespace chaos::manifest {
namespace {

// Longer than any experiment, short enough that no sum of durations overflows.
constexpr Duration kLongest = std::chrono::hours{24 * 366};

bool is_duration(const Node& node) {
    const auto value = parse_duration(node.scalar);
    return value && *value <= kLongest;
}

bool is_regex(const Node& node) {
    // RE2 matches in linear time: no manifest can make the controller hang over a container's name.
    return re2::RE2{node.scalar, re2::RE2::Quiet}.ok();
}

bool is_time(const Node& node) { return parse_time(node.scalar).has_value(); }
bool is_signal(const Node& node) { return parse_signal(node.scalar).has_value(); }

struct Format {
    std::string_view name;
    std::string_view hint;
    bool (*check)(const Node&);
};

constexpr std::array kFormats{
    Format{"duration", "a duration such as 500ms, 90s, 15m or 1h30m", is_duration},
    Format{"signal", "a signal such as KILL, SIGTERM or 15", is_signal},
    Format{"regex", "a regular expression in RE2 syntax", is_regex},
    Format{"date-time", "a time such as 2026-11-24T08:00:00Z", is_time},
};

const Format* find_format(std::string_view name) {
    for (const auto& format : kFormats) {
        if (format.name == name) return &format;
    }
    return nullptr;
}

}  // namespace

std::string_view format_hint(std::string_view format) {
    const auto* found = find_format(format);
    return found == nullptr ? std::string_view{} : found->hint;
}

bool has_format(std::string_view format, const Node& node) {
    const auto* found = find_format(format);
    return found == nullptr || found->check(node);
}

std::optional<int> parse_signal(std::string_view text) {
    if (text.starts_with("SIG")) text.remove_prefix(3);
    for (int number = 1; number <= 31; ++number) {
        const char* name = sigabbrev_np(number);
        if (text == std::to_string(number) || (name != nullptr && text == name)) return number;
    }
    return std::nullopt;
}

}  // namespace chaos::manifest
