#include "controller/telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <deque>

#include "controller/api/time.h"
#include "controller/json/json.h"

namespace chaos::log {
namespace {

Format g_format = Format::kText;  // NOLINT: set once at start, by configure()

spdlog::logger& logger() {
    static const auto kLogger = spdlog::stderr_logger_mt("chaos");
    return *kLogger;
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::kDebug: return spdlog::level::debug;
        case Level::kInfo: return spdlog::level::info;
        case Level::kWarning: return spdlog::level::warn;
        case Level::kError: break;
    }
    return spdlog::level::err;
}

// Values come from manifests and containers: a line break in one must not forge a line.
std::string quoted(std::string_view value) {
    const bool plain = !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
        return std::isgraph(c) != 0 && c != '"' && c != '\\';
    });
    if (plain) return std::string{value};
    json::Writer out;
    out.value(value);
    return out.text();
}

constexpr std::size_t kRemembered = 1000;

// Written and read by the loop's thread alone.
std::deque<Line>& memory() {
    static std::deque<Line> lines;
    return lines;
}

void remember(std::string text) {
    auto& lines = memory();
    const auto number = lines.empty() ? 1 : lines.back().number + 1;
    lines.push_back({number, std::move(text)});
    if (lines.size() > kRemembered) lines.pop_front();
}

std::string level_name(Level level) {
    const auto name = spdlog::level::to_string_view(to_spdlog(level));
    return {name.data(), name.size()};
}

std::string json_line(Level level, std::string_view message, std::initializer_list<Field> fields) {
    json::Writer out;
    out.begin_object();
    out.key("time").value(format_time(std::chrono::system_clock::now()));
    out.key("level").value(std::string_view{level_name(level)});
    out.key("message").value(message);
    for (const auto& [key, value] : fields) out.key(key).value(value);
    out.end_object();
    return out.text();
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
    std::string lower;
    for (const char c : text)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower == "debug") return Level::kDebug;
    if (lower == "info") return Level::kInfo;
    if (lower == "warning" || lower == "warn") return Level::kWarning;
    if (lower == "error") return Level::kError;
    return std::nullopt;
}

std::vector<Line> recent(std::uint64_t after) {
    std::vector<Line> lines;
    for (const auto& line : memory()) {
        if (line.number > after) lines.push_back(line);
    }
    return lines;
}

void configure(Level level, Format format) {
    g_format = format;
    logger().set_level(to_spdlog(level));
    logger().set_pattern(format == Format::kJson ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                         spdlog::pattern_time_type::utc);
    logger().flush_on(spdlog::level::debug);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    const auto to = to_spdlog(level);
    if (!logger().should_log(to)) return;
    std::string line;
    if (g_format == Format::kJson) {
        line = json_line(level, message, fields);
    } else {
        line = message;
        for (const auto& [key, value] : fields)
            line += " " + std::string{key} + "=" + quoted(value);
    }
    logger().log(to, spdlog::string_view_t{line.data(), line.size()});
    remember(format_time(std::chrono::system_clock::now()) + " " + level_name(level) + " " + line);
}

}  // namespace chaos::log
