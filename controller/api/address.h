// IP addresses and ranges as text.
#pragma once

#include <optional>
#include <string_view>

namespace chaos {

enum class Family { kIpv4, kIpv6 };

// Of "10.0.0.1", "10.0.0.0/8", "fd00::1" or "fd00::/8"; nullopt for anything else.
[[nodiscard]] std::optional<Family> family_of(std::string_view address);

}  // namespace chaos
