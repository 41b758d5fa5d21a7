// nftables' tables of our own, asked for and removed by plain messages: quicker than by
// libnftables, which takes a whole ruleset in first. In the network namespace of the thread that
// opens it.
#pragma once

#include <map>
#include <string>

#include "reconcilers/network/netlink.h"
#include "reconcilers/network/ruleset.h"

namespace chaos::network {

class Nfnetlink {
public:
    // Errors: kUnavailable, kPermission.
    [[nodiscard]] static Result<Nfnetlink> open();

    struct Seen {
        Tables tables{.inet = false};
        std::map<std::string, Counted> counters;  // the sum over the tables, by name
    };
    [[nodiscard]] Result<Seen> look();
    // Whether any rule of the tables still holds: a set that guards one has an element.
    [[nodiscard]] Result<bool> is_live(const Tables& tables);
    // In one transaction.
    [[nodiscard]] Result<> remove(const Tables& tables);

private:
    explicit Nfnetlink(NetlinkSocket socket) : socket_(std::move(socket)) {}

    [[nodiscard]] Result<> add_counters(std::uint8_t family, Seen& seen);
    [[nodiscard]] Result<bool> has_live_set(std::uint8_t family);
    [[nodiscard]] Result<bool> has_elements(std::uint8_t family, const std::string& set);

    NetlinkSocket socket_;
};

}  // namespace chaos::network
