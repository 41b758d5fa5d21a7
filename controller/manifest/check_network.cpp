#include "controller/manifest/build_network.h"
#include "controller/manifest/checker.h"

namespace chaos::manifest {
namespace {

// What nftables and netem can still tell from nothing.
constexpr double kSmallestPercent = 0.0001;

class Checker : public ParameterChecker {
public:
    using ParameterChecker::ParameterChecker;

    void check(const NetworkFault& fault, const Node& node, const std::string& path) {
        const bool combined = fault.action == NetworkAction::kCombined;
        const Place all{node, path};
        const auto below = [&](std::string_view key) { return all.below(key, combined); };
        if (fault.delay) check_delay(*fault.delay, below("delay"));
        if (fault.loss) check_loss(*fault.loss, below("loss"));
        if (fault.duplicate) check_share(*fault.duplicate, below("duplicate"));
        if (fault.corrupt) check_share(*fault.corrupt, below("corrupt"));
        if (fault.reorder) check_share(fault.reorder->share, below("reorder"));
        if (fault.bandwidth) check_rate(*fault.bandwidth, below("bandwidth"));
        if (fault.partition) check_partition(*fault.partition, below("partition"));
        const bool nothing = !fault.delay && !fault.loss && !fault.duplicate && !fault.corrupt &&
                             !fault.reorder && !fault.bandwidth && !fault.partition;
        if (nothing) {
            report(node, path,
                   "found no effect, expected at least one of delay, loss, duplicate, corrupt, "
                   "reorder, bandwidth and partition");
        }
        check_peers(fault.to, node, path, "to");
        check_peers(fault.except, node, path, "except");
        if (const Node* list = node.find("interfaces")) check_list(*list, path + ".interfaces");
    }

private:
    void check_delay(const Delay& delay, const Place& place) {
        const Node* latency = place.node.find("latency");
        if (latency == nullptr) {
            missing(place, "latency", "a duration such as 100ms");
        } else if (delay.latency <= Duration{0}) {
            expect(*latency, place.path + ".latency", "more than 0");
        } else if (delay.jitter > delay.latency) {
            report(*place.node.find("jitter"), place.path + ".jitter",
                   "found " + format_duration(delay.jitter) + ", expected at most the latency, " +
                       format_duration(delay.latency) +
                       ": no packet can arrive before it was sent");
        }
    }

    void check_share(const Share& share, const Place& place) {
        const Node* percent = place.node.find("percent");
        if (percent == nullptr) {
            missing(place, "percent", "a number from 0 to 100");
        } else if (share.percent < kSmallestPercent) {
            expect(*percent, place.path + ".percent", "0.0001 to 100");
        }
    }

    void check_loss(const Loss& loss, const Place& place) {
        const bool model = place.node.find("gemodel") != nullptr;
        const bool state = place.node.find("state") != nullptr;
        // An intensity's figure gives way to what is written.
        const bool percent =
            place.node.find("percent") != nullptr && place.node.find("intensity") == nullptr;
        if (int{model} + int{state} + int{percent} > 1) {
            report(place.node, place.path, "expected only one of percent, gemodel and state");
        } else if (model || state) {
            check_model(loss, place);
        } else if (place.node.find("percent") == nullptr) {
            report(place.node, place.path,
                   "missing; expected one of percent, gemodel and state, or an intensity");
        } else {
            check_share(std::get<Share>(loss), place);
        }
    }

    void check_model(const Loss& loss, const Place& place) {
        const auto* model = std::get_if<GilbertElliott>(&loss);
        if (model != nullptr && model->p <= 0 && model->one_minus_k <= 0) {
            report(*place.node.at("gemodel", "p"), place.path + ".gemodel.p",
                   "expected more than 0: no packet would be lost");
        }
        const auto* state = std::get_if<FourState>(&loss);
        if (state != nullptr && state->p13 <= 0 && state->p14 <= 0) {
            report(*place.node.at("state", "p13"), place.path + ".state.p13",
                   "expected more than 0: no packet would be lost");
        }
        // netem adds them in 32 bits and wraps (net/sched/sch_netem.c, loss_4state).
        if (state != nullptr && state->p13 + state->p14 > 100) {
            report(*place.node.find("state"), place.path + ".state",
                   "p13 and p14 are more than 100 together");
        }
        if (state != nullptr && state->p31 + state->p32 > 100) {
            report(*place.node.find("state"), place.path + ".state",
                   "p31 and p32 are more than 100 together");
        }
    }

    void check_rate(const Bandwidth& bandwidth, const Place& place) {
        constexpr std::uint64_t kSmallestBurst = 1600;  // a full Ethernet frame
        constexpr std::uint64_t kLargestBurst = 1U << 30U;
        if (place.node.find("rate") == nullptr) missing(place, "rate", "a rate such as 1mbit");
        if (bandwidth.burst &&
            (*bandwidth.burst < kSmallestBurst || *bandwidth.burst > kLargestBurst)) {
            expect(*place.node.find("burst"), place.path + ".burst",
                   "1600 (a full packet) to 1Gi; nothing larger than the burst passes");
        }
        if (bandwidth.latency && *bandwidth.latency <= Duration{0}) {
            expect(*place.node.find("latency"), place.path + ".latency", "more than 0");
        }
    }

    void check_partition(const Peers& peers, const Place& place) {
        const Node* from = place.node.find("from");
        if (from == nullptr) return;  // reported by the schema
        const auto path = place.path + ".from";
        check_lists(*from, path);
        if (!peers.names_addresses()) {
            report(*from, path, "found nobody, expected services or cidrs to be cut off from");
        }
    }

    // What is empty would select every packet.
    void check_peers(const std::optional<Peers>& peers, const Node& node, const std::string& path,
                     std::string_view key) {
        if (!peers) return;
        const Node& found = *node.find(key);
        const auto below = path + "." + std::string{key};
        check_lists(found, below);
        if (*peers == Peers{}) {
            report(found, below,
                   "found no conditions, expected at least one of services, cidrs, hostnames, "
                   "ports and protocols");
        }
        const bool only_icmp =
            peers->protocols == std::vector<Protocol>{Protocol::kIcmp} && !peers->ports.empty();
        if (only_icmp) {
            report(*found.find("ports"), below + ".ports",
                   "icmp has no ports, expected tcp or udp among the protocols");
        }
    }

    void check_lists(const Node& node, const std::string& path) {
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            check_list(node.items[i], path + "." + node.keys[i].name);
        }
    }

    void check_list(const Node& list, const std::string& path) {
        if (!list.is_sequence() || !list.items.empty()) return;
        report(list, path, "found an empty list, expected at least one entry, or no list");
    }
};

}  // namespace

void check_network(const NetworkFault& fault, const Node& parameters, const std::string& path,
                   std::vector<Diagnostic>& problems) {
    Checker{problems}.check(fault, parameters, path);
}

}  // namespace chaos::manifest
