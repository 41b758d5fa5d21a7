// What can be done to a container's packets: one struct for all network actions, since they
// combine. Percentages are 0 to 100, as manifests say them; "absent" is: not done.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/api/time.h"

namespace chaos {

// How delays are spread around their mean when there is jitter.
enum class Distribution { kUniform, kNormal, kPareto, kParetoNormal };

struct Delay {
    Duration latency{};
    Duration jitter{};
    double correlation = 0;
    Distribution distribution = Distribution::kNormal;

    friend bool operator==(const Delay&, const Delay&) = default;
};

// A share of the packets, each choice depending on the one before by `correlation`.
struct Share {
    double percent = 0;
    double correlation = 0;

    friend bool operator==(const Share&, const Share&) = default;
};

// Losses in bursts: Gilbert (1960), Elliott (1963), with the words of tc-netem(8): p is the
// probability of going from good to bad, r back, one_minus_h the loss in the bad state, one_minus_k
// in the good one.
struct GilbertElliott {
    double p = 0;
    double r = 100;
    double one_minus_h = 100;
    double one_minus_k = 0;

    friend bool operator==(const GilbertElliott&, const GilbertElliott&) = default;
};

// Losses after a Markov chain (tc-netem(8), "loss state"): 1 received outside a burst, 2 received
// within one, 3 lost within one, 4 a single loss outside.
struct FourState {
    double p13 = 0;
    double p31 = 100;
    double p32 = 0;
    double p23 = 100;
    double p14 = 0;

    friend bool operator==(const FourState&, const FourState&) = default;
};

struct Reorder {
    Share share;
    int gap = 1;  // every gap-th packet may overtake

    friend bool operator==(const Reorder&, const Reorder&) = default;
};

using Loss = std::variant<Share, GilbertElliott, FourState>;

struct Bandwidth {
    std::uint64_t rate = 0;              // bytes per second
    std::optional<std::uint64_t> burst;  // bytes that may pass at once; absent: by the rate
    std::optional<Duration> latency;     // longest wait in the queue; absent: by the rate

    friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

enum class Protocol { kTcp, kUdp, kIcmp };

struct Ports {
    std::uint16_t first = 0;
    std::uint16_t last = 0;

    friend bool operator==(const Ports&, const Ports&) = default;
};

// Whom packets go to or come from. services, cidrs and hostnames are one list of addresses; a
// packet must match each list that is given (addresses, ports, protocols), by any of its entries.
struct Peers {
    std::vector<std::string> services;  // container name, Compose service or glob
    std::vector<std::string> cidrs;
    std::vector<std::string> hostnames;
    std::vector<Ports> ports;  // the peer's, or our own where the peer has connected to us
    std::vector<Protocol> protocols;

    [[nodiscard]] bool names_addresses() const {
        return !services.empty() || !cidrs.empty() || !hostnames.empty();
    }
    friend bool operator==(const Peers&, const Peers&) = default;
};

enum class Direction { kEgress, kIngress, kBoth };

// The action that a network fault was written as.
enum class NetworkAction {
    kLatency,
    kLoss,
    kDuplicate,
    kCorrupt,
    kReorder,
    kBandwidth,
    kPartition,
    kCombined
};

[[nodiscard]] std::string_view type_name(NetworkAction action);  // "network_latency"

struct NetworkFault {
    NetworkAction action = NetworkAction::kCombined;
    std::optional<Delay> delay;
    std::optional<Loss> loss;
    std::optional<Share> duplicate;
    std::optional<Share> corrupt;
    std::optional<Reorder> reorder;
    std::optional<Bandwidth> bandwidth;
    std::optional<Peers> partition;  // from whom: services and cidrs only
    Direction direction = Direction::kEgress;
    std::optional<Peers> to;
    std::optional<Peers> except;
    std::vector<std::string> interfaces;  // empty: all but lo

    friend bool operator==(const NetworkFault&, const NetworkFault&) = default;
};

// The addresses behind a fault's peers at one moment. They change while the fault lasts, and what
// is in force is told by them as much as by the fault itself.
struct PeerAddresses {
    std::vector<std::string> to;
    std::vector<std::string> except;
    std::vector<std::string> partition;
    std::vector<std::string> networks;  // that the target is on: another one is another interface

    friend bool operator==(const PeerAddresses&, const PeerAddresses&) = default;
};

}  // namespace chaos
