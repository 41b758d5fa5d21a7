// Which packets a fault is for, as an nftables table of our own: a pure function from rules to the
// text that libnftables takes. The kernel ends each rule by itself: it holds only while the set
// that guards it has an element, and elements have a timeout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/time.h"

namespace chaos::network {

inline constexpr const char* kTable = "chaos_sutazai";  // of family inet

enum class Protocol { kTcp, kUdp, kIcmp };

struct Ports {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    friend bool operator==(const Ports&, const Ports&) = default;
};

// All lists that are given must match, of each any entry. The peer is whom a packet goes to or
// comes from. Ports are the peer's, or our own where the peer has connected to us. icmp is ICMPv6
// too.
struct Match {
    std::vector<std::string> addresses;  // IPv4 or IPv6 addresses and ranges, "10.0.0.0/8"
    std::vector<Ports> ports;
    std::vector<Protocol> protocols;

    friend bool operator==(const Match&, const Match&) = default;
};

struct Drop {
    friend bool operator==(const Drop&, const Drop&) = default;
};
// A share of the packets, each by itself: the loss of kernels without netem.
struct DropShare {
    double percent = 0;

    friend bool operator==(const DropShare&, const DropShare&) = default;
};
// Into a class of the interface's htb; outgoing packets only.
struct Steer {
    std::uint32_t class_id = 0;

    friend bool operator==(const Steer&, const Steer&) = default;
};

struct Rule {
    int slot = 1;  // tells the rules of a namespace apart: 1 to 9999
    std::vector<std::string> interfaces;
    bool outgoing = true;
    bool incoming = false;
    std::optional<Match> to;      // absent: every packet
    std::optional<Match> except;  // absent: none
    std::variant<Drop, DropShare, Steer> effect;
    Duration lasts{};  // from now; at least a millisecond

    friend bool operator==(const Rule&, const Rule&) = default;
};

// Replaces whatever the table held, in one transaction: no packet sees half of it. Without rules
// the table is gone. Addresses and interfaces have been checked: nothing in them is nftables'
// syntax. Errors: kInvalid, naming what is no address or no interface name.
[[nodiscard]] Result<std::string> ruleset(const std::vector<Rule>& rules);

}  // namespace chaos::network
