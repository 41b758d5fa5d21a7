// rtnetlink in the network namespace of the calling thread: qdiscs and classes as idempotent free
// functions. A socket stays in the namespace that it was opened in, and keeps that alive.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reconcilers/network/netlink.h"
#include "reconcilers/network/qdisc.h"

namespace chaos::network {

// "major:minor" as one number.
[[nodiscard]] constexpr std::uint32_t handle_of(std::uint16_t major, std::uint16_t minor) {
    return (std::uint32_t{major} << 16U) | minor;
}

inline constexpr std::uint32_t kNoParent = 0xFFFFFFFF;  // of the discipline at the root

struct Interface {
    int index = 0;
    std::string name;
    bool loopback = false;
    bool up = false;
    std::string kind;  // "veth", "ifb"; empty where the kernel tells none
    unsigned mtu = 0;  // bytes

    friend bool operator==(const Interface&, const Interface&) = default;
};

class Rtnetlink {
public:
    // Errors: kUnavailable, kPermission.
    [[nodiscard]] static Result<Rtnetlink> open();

    [[nodiscard]] Result<std::vector<Interface>> interfaces();
    [[nodiscard]] Result<std::vector<Observed>> qdiscs();

    // Makes a discipline, or gives the one with this handle these parameters: in place, its queue
    // stays (an htb has none to give). Errors carry the kernel's own words where it has any:
    // kInvalid (refused), kConflict (another discipline is there), kNotFound (no such interface,
    // parent or kind of discipline), kPermission.
    [[nodiscard]] Result<> put_qdisc(int interface, std::uint32_t parent, std::uint32_t handle,
                                     const Discipline& discipline);
    // Of an htb: bytes per second, with `burst` bytes at once.
    [[nodiscard]] Result<> put_class(int interface, std::uint32_t parent, std::uint32_t id,
                                     std::uint64_t rate, std::uint32_t burst);
    // Removes a class and the discipline below it; that there is none is fine.
    [[nodiscard]] Result<> remove_class(int interface, std::uint32_t id);
    // Makes an ifb of this name and sets it up, or answers the index of the one that is there.
    [[nodiscard]] Result<int> put_ifb(const std::string& name);
    [[nodiscard]] Result<> remove_interface(int interface);
    // Removes the discipline with this handle and all below it; that there is none is fine.
    [[nodiscard]] Result<> remove_qdisc(int interface, std::uint32_t parent, std::uint32_t handle);

private:
    // Whether there is one with this handle on the interface.
    [[nodiscard]] Result<bool> has_qdisc(int interface, std::uint32_t handle);

    explicit Rtnetlink(NetlinkSocket socket) : socket_(std::move(socket)) {}

    NetlinkSocket socket_;
};

}  // namespace chaos::network
