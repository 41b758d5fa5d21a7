// Figures with units, as manifests write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/api/network.h"

namespace chaos::manifest {

// Bytes per second of "500kbit", "1.5mbit", "1gbit" (decimal bits) or "2MBps" (decimal bytes);
// nullopt for anything else, and below one byte per second.
[[nodiscard]] std::optional<std::uint64_t> parse_rate(std::string_view text);

// The shortest of these texts that is exact.
[[nodiscard]] std::string format_rate(std::uint64_t bytes_per_second);

// Bytes of "512", "64Ki", "1Mi", "2Gi" (binary) or "10k", "5M", "1G" (decimal), as in Kubernetes.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "443" or "8000-8010".
[[nodiscard]] std::optional<Ports> parse_ports(std::string_view text);
[[nodiscard]] std::string format_ports(const Ports& ports);

}  // namespace chaos::manifest
