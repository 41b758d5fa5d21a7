// Which packets a fault is for, as nftables tables of our own: a pure function from rules to the
// text that libnftables takes. The kernel ends each rule by itself: it holds only while the set
// that guards it has an element, and elements have a timeout.
//
// What leaves the namespace, and what is dropped on arrival, is in the table of family inet. What
// is to be impaired on arrival is steered before anybody has seen it, by the table of family
// netdev, and sent through a device (ifb) that has the discipline; from there it goes on as if it
// had just arrived.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/network.h"

namespace chaos::network {

inline constexpr const char* kTable = "chaos_sutazai";  // of families inet and netdev

// All lists that are given must match, of each any entry. The peer is whom a packet goes to or
// comes from. Ports are the peer's, or our own where the peer has connected to us. icmp is ICMPv6
// too.
struct Match {
    // IPv4 or IPv6 addresses and ranges, "10.0.0.0/8"; absent: any. An empty list matches nothing.
    std::optional<std::vector<std::string>> addresses;
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
// Into a class of the interface's htb.
struct Steer {
    std::uint32_t class_id = 0;
    // What is in one of these classes already, by an earlier rule, goes into the second instead.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> joins;

    friend bool operator==(const Steer&, const Steer&) = default;
};

struct Counted {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const Counted&, const Counted&) = default;
};

struct Rule {
    int slot = 1;  // tells the rules of a namespace apart: 1 to 99999
    std::vector<std::string> interfaces;
    bool outgoing = true;
    bool incoming = false;
    std::vector<Match> to;        // a packet must match each; none: every packet
    std::optional<Match> except;  // absent: none
    std::variant<Drop, DropShare, Steer> effect;
    Duration lasts{};  // from now; at least a millisecond
    Counted counted;   // where its counter begins
    Counted dropped;   // and that of a share's losses

    friend bool operator==(const Rule&, const Rule&) = default;
};

// What arrives at an interface and was steered into a class is sent through another device.
struct Redirect {
    std::string interface;
    std::string device;
    std::vector<std::uint32_t> classes;

    friend bool operator==(const Redirect&, const Redirect&) = default;
};

// Which of our tables there are, to be replaced. Where there is none, nothing is removed first:
// what is removed has to be waited for (see Report::to_close).
struct Tables {
    bool inet = true;
    bool netdev = false;

    [[nodiscard]] bool any() const { return inet || netdev; }
    friend bool operator==(const Tables&, const Tables&) = default;
};

// Those that the rules need.
[[nodiscard]] Tables tables_of(const std::vector<Rule>& rules);

// The counter of a rule is "c<slot>" in either table. A share's losses are counted by "d<slot>".
[[nodiscard]] std::string counter_name(int slot);
[[nodiscard]] std::string drops_counter_name(int slot);

// Replaces whatever the tables held, in one transaction: no packet sees half of it. Without rules
// they are gone. Addresses and interfaces are checked: nothing in them is nftables' syntax. Errors:
// kInvalid, naming what is no address or no interface name.
[[nodiscard]] Result<std::string> ruleset(const std::vector<Rule>& rules,
                                          const std::vector<Redirect>& redirects = {},
                                          Tables there = {});

// Moves the ends of rules that are in force, in one transaction, and leaves all else as it is.
[[nodiscard]] std::string rearm(const std::vector<Rule>& rules);

}  // namespace chaos::network
