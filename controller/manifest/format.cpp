// The formats that the CRD names and Kubernetes does not check.
#include <re2/re2.h>

#include <array>
#include <csignal>
#include <cstring>

#include "controller/api/address.h"
#include "controller/api/time.h"
#include "controller/manifest/quantity.h"
#include "controller/manifest/schema.h"
#include "controller/manifest/signal.h"
#include "controller/schedule/recurrence.h"
#include "controller/schedule/windows.h"

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
bool is_rate(const Node& node) { return parse_rate(node.scalar).has_value(); }
bool is_size(const Node& node) { return parse_bytes(node.scalar).has_value(); }
bool is_cidr(const Node& node) { return family_of(node.scalar).has_value(); }
bool is_ports(const Node& node) { return parse_ports(node.scalar).has_value(); }

// What a resolver takes for a name (RFC 1123, and the underscores that people use).
bool is_hostname(const Node& node) {
    static const re2::RE2 kName{"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?\\.?"};
    return re2::RE2::FullMatch(node.scalar, kName);
}

// What the kernel allows (dev_valid_name), less what nftables would not take for a name.
bool is_interface(const Node& node) {
    static const re2::RE2 kName{"[A-Za-z0-9_.@-][A-Za-z0-9_.@:-]{0,14}"};
    return re2::RE2::FullMatch(node.scalar, kName);
}

bool is_time_zone(const Node& node) { return schedule::is_time_zone(node.scalar); }
bool is_day(const Node& node) { return schedule::parse_blackout(node.scalar).has_value(); }

bool is_schedule(const Node& node) {
    return node.scalar == "once" || node.scalar == "manual" ||
           schedule::parse(node.scalar).has_value();
}

bool is_time_of_day(const Node& node) {
    static const re2::RE2 kTime{"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"};
    return re2::RE2::FullMatch(node.scalar, kTime);
}

// Nothing but http: what is asked is on this host or beside it, and no certificate store is kept.
bool is_url(const Node& node) {
    static const re2::RE2 kUrl{
        "http://([A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:]+\\])(:[0-9]{1,5})?(/[!-~]*)?"};
    return re2::RE2::FullMatch(node.scalar, kUrl);
}

bool is_unix_url(const Node& node) {
    return node.scalar.starts_with("unix:///") && node.scalar.size() > 8;
}

struct Format {
    std::string_view name;
    std::string_view hint;
    bool (*check)(const Node&);
};

constexpr std::array kFormats{
    Format{"duration", "a duration such as 500ms, 90s, 15m or 1h30m", is_duration},
    Format{"signal", "a signal such as KILL, SIGTERM or 15", is_signal},
    Format{"regex", "a regular expression in RE2 syntax", is_regex},
    Format{"rate", "a rate above 0 such as 500kbit, 1.5mbit or 2MBps", is_rate},
    Format{"bytes", "an amount of data such as 512, 32Ki or 1Mi", is_size},
    Format{"cidr", "an IP address or a range such as 10.0.0.0/8 or fd00::/64", is_cidr},
    Format{"ports", "a port from 1 to 65535 or a range such as 8000-8010", is_ports},
    Format{"hostname", "a DNS name such as api.example.com", is_hostname},
    Format{"interface", "the name of a network interface such as eth0", is_interface},
    Format{
        "schedule",
        "once, manual, a cron line of five fields such as \"0 3 * * 1-5\" that some day matches, "
        "@hourly, @every 90m, daily 03:00 or mean 8h",
        is_schedule},
    Format{"time-zone", "an IANA time zone such as Europe/Berlin", is_time_zone},
    Format{"time-of-day", "a time of day such as 02:00", is_time_of_day},
    Format{"day", "a date such as 2026-12-24, or a range such as 2026-12-24/2027-01-01", is_day},
    Format{"url", "a URL such as http://127.0.0.1:9093", is_url},
    Format{"unix-url", "a socket such as unix:///var/run/docker.sock", is_unix_url},
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
