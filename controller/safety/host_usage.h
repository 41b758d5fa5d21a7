// How busy the host is, from /proc.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/error.h"
#include "controller/api/time.h"
#include "controller/safety/gates.h"

namespace chaos::safety {

// Ticks since boot of all CPUs together, from the first line of /proc/stat (proc(5)); waiting for a
// disk counts as idle. Errors: kInvalid.
struct CpuTicks {
    std::uint64_t busy = 0;
    std::uint64_t total = 0;
};
[[nodiscard]] Result<CpuTicks> parse_stat(std::string_view text);

// 100 * (1 - MemAvailable / MemTotal), from /proc/meminfo. Errors: kInvalid.
[[nodiscard]] Result<double> parse_meminfo(std::string_view text);

// Averages over the last kWindow.
class HostMeter {
public:
    static constexpr Duration kWindow = std::chrono::seconds{5};

    // Reads both files. Errors: kUnavailable, kInvalid; also before there are two samples.
    [[nodiscard]] Result<HostUsage> sample(TimePoint now);

private:
    struct Sample {
        TimePoint at;
        CpuTicks ticks;
    };
    std::deque<Sample> samples_;
};

}  // namespace chaos::safety
