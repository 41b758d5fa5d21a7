#include "controller/api/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <string>

namespace chaos {

std::optional<Family> family_of(std::string_view address) {
    const auto slash = address.find('/');
    const std::string host{address.substr(0, slash)};
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool v4 = ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
    if (!v4 && ::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return std::nullopt;
    // What follows a NUL inet_pton does not see.
    if (host.find('\0') != std::string::npos) return std::nullopt;
    if (slash == std::string_view::npos) return v4 ? Family::kIpv4 : Family::kIpv6;
    const auto length = address.substr(slash + 1);
    int bits = -1;
    const auto [end, ec] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (ec != std::errc{} || end != length.data() + length.size()) return std::nullopt;
    if (bits < 0 || bits > (v4 ? 32 : 128)) return std::nullopt;
    return v4 ? Family::kIpv4 : Family::kIpv6;
}

}  // namespace chaos
