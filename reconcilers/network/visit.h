// Makes the network namespace of the calling thread as it is wanted, and reads it back.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reconcilers/network/merge.h"

namespace chaos::network {

struct Wish {
    std::vector<Active> faults;  // by slot
    Abilities abilities;
    // What the last visit has made, where that was in this life of the program: it saves work, and
    // shows what somebody else has removed since.
    std::optional<Tree> made;
    bool rearm = false;  // ends have moved
};

// What a fault has done so far, over all interfaces.
struct Statistics {
    std::uint64_t packets = 0;  // that it was for
    std::uint64_t dropped = 0;
    std::uint64_t backlog = 0;  // bytes that wait now
    std::string disciplines;    // "netem", "netem, tbf", "nftables"
    std::string interfaces;     // "eth0, eth1"

    friend bool operator==(const Statistics&, const Statistics&) = default;
};

struct Report {
    Tree tree;                             // as it is now
    std::map<int, Statistics> statistics;  // by slot, of before and now
    bool put_back = false;                 // something of `made` was missing
    // The namespace, unlike any other since the host has started (SO_NETNS_COOKIE); 0 where the
    // kernel has no such thing (before 5.14).
    std::uint64_t cookie = 0;
    // nftables' sockets. Closing them waits until the kernel has freed what a transaction has
    // removed (nft_rcv_nl_event): some 10 ms that nobody else need wait for.
    std::shared_ptr<void> to_close;
};

// Idempotent. Faults that cannot be are left out and named in tree.refused. Disciplines come before
// the rules that send packets there, and go after them. Errors: kPermission, kUnavailable, kInvalid
// with the kernel's words; then it is unknown what is in force.
[[nodiscard]] Result<Report> visit(const Wish& wish);
// The same, but where the kernel refuses one of the faults that are new, only that is left out and
// named in tree.refused: what was asked for together does not fail together.
[[nodiscard]] Result<Report> visit_each(const Wish& wish);

// The cookie of the calling thread's namespace; see Report.
[[nodiscard]] std::uint64_t namespace_cookie();

}  // namespace chaos::network
