// What control files and the like say; pure, and not put off by any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace chaos::stress {

// The number behind a key at the start of a line: "oom_kill 3".
[[nodiscard]] std::optional<std::uint64_t> value_in(std::string_view text, std::string_view key);
// A file that holds one number; absent for "max" and for what is none.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view text);
// CPUs that cpu.max allows: "50000 100000" is 0.5.
[[nodiscard]] std::optional<double> cpus_in(std::string_view cpu_max);
// The sum over all disks of io.stat's rbytes or wbytes.
[[nodiscard]] std::uint64_t sum_in(std::string_view io_stat, std::string_view key);
// "some avg10=1.23 …"
[[nodiscard]] std::optional<double> pressure_in(std::string_view text);

}  // namespace chaos::stress
