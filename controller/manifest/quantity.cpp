#include "controller/manifest/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace chaos::manifest {
namespace {

using Unit = std::pair<std::string_view, double>;

constexpr std::array<Unit, 12> kRates{{{"bit", 1.0 / 8},
                                       {"kbit", 1e3 / 8},
                                       {"Kbit", 1e3 / 8},
                                       {"mbit", 1e6 / 8},
                                       {"Mbit", 1e6 / 8},
                                       {"gbit", 1e9 / 8},
                                       {"Gbit", 1e9 / 8},
                                       {"Bps", 1},
                                       {"kBps", 1e3},
                                       {"KBps", 1e3},
                                       {"MBps", 1e6},
                                       {"GBps", 1e9}}};
constexpr std::array<Unit, 9> kSizes{{{"", 1},
                                      {"Ki", 1024},
                                      {"Mi", 1024.0 * 1024},
                                      {"Gi", 1024.0 * 1024 * 1024},
                                      {"Ti", 1024.0 * 1024 * 1024 * 1024},
                                      {"k", 1e3},
                                      {"M", 1e6},
                                      {"G", 1e9},
                                      {"T", 1e12}}};

template <std::size_t N>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units) {
    constexpr double kLargest = 1e15;
    double number = 0;
    const auto [end, ec] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (ec != std::errc{}) return std::nullopt;
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, factor] : units) {
        const double value = number * factor;
        if (unit != name) continue;
        if (!(value >= 0 && value <= kLargest)) return std::nullopt;
        return static_cast<std::uint64_t>(std::llround(value));
    }
    return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::optional<std::uint64_t> parse_rate(std::string_view text) {
    const auto rate = parse(text, kRates);
    return rate && *rate > 0 ? rate : std::nullopt;
}

std::string format_rate(std::uint64_t bytes_per_second) {
    const std::uint64_t bits = bytes_per_second * 8;
    for (const auto& [unit, factor] :
         {std::pair{"gbit", 1'000'000'000ULL}, std::pair{"mbit", 1'000'000ULL},
          std::pair{"kbit", 1'000ULL}}) {
        if (bits % factor == 0) return std::to_string(bits / factor) + unit;
    }
    return std::to_string(bytes_per_second) + "Bps";
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) { return parse(text, kSizes); }

std::optional<Ports> parse_ports(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return Ports{*first, *last};
}

std::string format_ports(const Ports& ports) {
    const auto first = std::to_string(ports.first);
    return ports.first == ports.last ? first : first + "-" + std::to_string(ports.last);
}

}  // namespace chaos::manifest
