// Structured log lines on standard error: a constant message and key=value fields, as text or JSON.
// spdlog stops here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chaos::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

using Field = std::pair<std::string_view, std::string_view>;

// "debug", "info", "warning" or "warn", "error"; any case.
[[nodiscard]] std::optional<Level> parse_level(std::string_view text);

// The last lines written, for `chaosctl logs`: at most 1000, numbered from 1.
struct Line {
    std::uint64_t number = 0;
    std::string text;
};
[[nodiscard]] std::vector<Line> recent(std::uint64_t after);

void configure(Level level, Format format);
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
    write(Level::kDebug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
    write(Level::kInfo, m, f);
}
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) {
    write(Level::kWarning, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
    write(Level::kError, m, f);
}

}  // namespace chaos::log
