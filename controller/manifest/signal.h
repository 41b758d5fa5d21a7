#pragma once

#include <optional>
#include <string_view>

namespace chaos::manifest {

// "KILL", "SIGKILL" or "9"; 1 to 31, the standard signals.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);

}  // namespace chaos::manifest
