#include "controller/safety/host_usage.h"

#include <charconv>
#include <fstream>
#include <sstream>

namespace chaos::safety {
namespace {

Result<std::string> read_proc(const char* path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return fail(ErrorCode::kUnavailable, std::string{path} + " cannot be read");
    return text.str();
}

std::optional<std::uint64_t> next_number(std::string_view& text) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<std::uint64_t> field_of(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    auto rest = text.substr(at + name.size());
    return next_number(rest);
}

}  // namespace

Result<CpuTicks> parse_stat(std::string_view text) {
    if (!text.starts_with("cpu ")) return fail(ErrorCode::kInvalid, "/proc/stat: no cpu line");
    text = text.substr(4, text.find('\n') - 4);
    CpuTicks ticks;
    // user nice system idle iowait irq softirq steal; guest time is part of user time.
    for (int i = 0; i < 8; ++i) {
        const auto value = next_number(text);
        if (!value) return fail(ErrorCode::kInvalid, "/proc/stat: cpu line too short");
        ticks.total += *value;
        if (i != 3 && i != 4) ticks.busy += *value;
    }
    return ticks;
}

Result<double> parse_meminfo(std::string_view text) {
    const auto total = field_of(text, "MemTotal:");
    const auto available = field_of(text, "MemAvailable:");
    if (!total || !available || *total == 0 || *available > *total) {
        return fail(ErrorCode::kInvalid, "/proc/meminfo: no MemTotal or MemAvailable");
    }
    return 100 * (1 - static_cast<double>(*available) / static_cast<double>(*total));
}

Result<HostUsage> HostMeter::sample(TimePoint now) {
    const auto stat = read_proc("/proc/stat");
    if (!stat) return std::unexpected(stat.error());
    const auto ticks = parse_stat(*stat);
    if (!ticks) return std::unexpected(ticks.error());
    const auto meminfo = read_proc("/proc/meminfo");
    if (!meminfo) return std::unexpected(meminfo.error());
    const auto memory = parse_meminfo(*meminfo);
    if (!memory) return std::unexpected(memory.error());
    samples_.push_back({now, *ticks});
    // One that is older than the window stays, so that there is always a span to look at.
    while (samples_.size() > 2 && samples_[1].at + kWindow <= now) samples_.pop_front();
    const auto& first = samples_.front().ticks;
    if (ticks->total <= first.total) {
        return fail(ErrorCode::kUnavailable, "the host's CPU usage was not measured yet");
    }
    const double busy = static_cast<double>(ticks->busy) - static_cast<double>(first.busy);
    return HostUsage{100 * busy / static_cast<double>(ticks->total - first.total), *memory};
}

}  // namespace chaos::safety
