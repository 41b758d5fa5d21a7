#include "reconcilers/stress/control_files.h"

#include <algorithm>
#include <charconv>

#include "reconcilers/stress/text.h"

namespace chaos::stress {

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = end == text.data() + text.size() || *end == '\n' || *end == ' ';
    return ec == std::errc{} && whole ? std::optional{value} : std::nullopt;
}

std::optional<std::uint64_t> value_in(std::string_view text, std::string_view key) {
    std::optional<std::uint64_t> value;
    each_part(text, '\n', [&](std::string_view line) {
        if (value || !line.starts_with(key)) return;
        auto rest = line.substr(key.size());
        if (!rest.starts_with(' ')) return;
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        value = number_in(rest);
    });
    return value;
}

std::optional<double> cpus_in(std::string_view cpu_max) {
    const auto quota = number_in(cpu_max);
    const auto space = cpu_max.find(' ');
    if (!quota || space == std::string_view::npos) return std::nullopt;
    const auto period = number_in(cpu_max.substr(space + 1));
    if (!period || *period == 0) return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::uint64_t sum_in(std::string_view io_stat, std::string_view key) {
    std::uint64_t sum = 0;
    each_part(io_stat, '\n', [&](std::string_view line) {
        const auto at = line.find(key);
        if (at == std::string_view::npos || line.starts_with("Total")) return;
        sum += number_in(line.substr(at + key.size())).value_or(0);
    });
    return sum;
}

std::optional<double> pressure_in(std::string_view text) {
    constexpr std::string_view kStart = "some avg10=";
    if (!text.starts_with(kStart)) return std::nullopt;
    text.remove_prefix(kStart.size());
    double value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    return ec == std::errc{} ? std::optional{value} : std::nullopt;
}

}  // namespace chaos::stress
