// All network faults of one namespace as one tree: pure. Which packets is the ruleset's part, what
// is done to them is in the disciplines below the classes of an htb of our own at the root of each
// interface. A packet that several faults are for is in the class of all of them together: a
// class's number has one bit for each of its faults.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/network/rtnetlink.h"
#include "reconcilers/network/ruleset.h"

namespace chaos::network {

inline constexpr std::uint16_t kRootMajor = 0xc4a0;  // our mark: the root's handle
inline constexpr std::uint32_t kRoot = handle_of(kRootMajor, 0);
inline constexpr std::uint16_t kNetemMajor = 0xd000;  // plus the class's number
inline constexpr std::uint16_t kTbfMajor = 0xe000;    // plus the class's number
// How many faults of a namespace may need a class each: as many bits as a handle has room for.
inline constexpr int kMaxSteering = 12;
// More classes than this are refused: so many combinations nobody means.
inline constexpr std::size_t kMaxClasses = 255;

[[nodiscard]] constexpr std::uint32_t class_handle(std::uint16_t number) {
    return handle_of(kRootMajor, number);
}

// One fault as it is to hold in the namespace.
struct Active {
    int slot = 1;  // tells the faults of the namespace apart, and stays theirs
    NetworkFault fault;
    PeerAddresses peers;
    Duration lasts{};
    bool fresh = false;  // its counters begin at 0, whatever another has counted in this slot

    friend bool operator==(const Active&, const Active&) = default;
};

// What is below a class: netem, then tbf below that, or one of the two.
struct Leaf {
    std::uint16_t number = 0;  // of the class
    std::optional<Netem> netem;
    std::optional<Tbf> tbf;

    friend bool operator==(const Leaf&, const Leaf&) = default;
};

struct Device {
    std::string name;
    std::string stands_for;  // an ifb: the interface whose arriving packets it gets; else empty
    std::vector<Leaf> leaves;

    friend bool operator==(const Device&, const Device&) = default;
};

struct Tree {
    std::vector<Device> devices;  // interfaces that get a root of ours
    std::vector<Rule> rules;
    std::vector<Redirect> redirects;
    std::map<int, Error> refused;  // by slot: faults that are left out, and why

    friend bool operator==(const Tree&, const Tree&) = default;
};

// What the kernel can do, as far as network faults need it.
struct Abilities {
    bool netem = true;
    bool tbf = true;
    bool htb = true;
    bool ifb = true;

    friend bool operator==(const Abilities&, const Abilities&) = default;
};

// What there is to work with.
struct Ground {
    std::vector<Interface> interfaces;
    std::vector<Observed> qdiscs;
    Abilities abilities;
};

// The name of the ifb of an interface: our mark.
[[nodiscard]] std::string ifb_name(int interface);
[[nodiscard]] bool is_our_ifb(const Interface& interface);

// The rule slots of a fault: what cuts off, what drops a share, what steers.
enum class Part { kCut = 0, kShare = 1, kSteer = 2 };
[[nodiscard]] constexpr int rule_slot(int fault_slot, Part part) {
    return fault_slot * 4 + static_cast<int>(part);
}
[[nodiscard]] constexpr int fault_slot_of(int rule_slot) { return rule_slot / 4; }

// Faults on the same packets combine: delays add, and their jitters as deviations do; losses,
// duplicates and corruptions as independent chances; of rates the lowest holds.
[[nodiscard]] Tree merge(const std::vector<Active>& faults, const Ground& ground);

// As tc(8) and nft(8) write it, for people.
[[nodiscard]] std::string describe(const Tree& tree);

}  // namespace chaos::network
