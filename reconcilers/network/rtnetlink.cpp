#include "reconcilers/network/rtnetlink.h"

#include <linux/if.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <limits>

#include "reconcilers/network/attributes.h"

namespace chaos::network {
namespace {

constexpr std::uint32_t kHtbTickShift = 6;  // psched ticks of 64 ns (net/pkt_sched.h)

std::string link_kind(std::string_view link_info) {
    Attributes attributes{link_info};
    while (const auto attribute = attributes.next()) {
        if (attribute->type == IFLA_INFO_KIND) return text_of(attribute->payload);
    }
    return {};
}

tcmsg* put_header(Request& request, int interface, std::uint32_t parent, std::uint32_t handle) {
    auto* header = request.put<tcmsg>();
    header->tcm_family = AF_UNSPEC;
    header->tcm_ifindex = interface;
    header->tcm_parent = parent;
    header->tcm_handle = handle;
    return header;
}

// tc's conversion: the time that `bytes` take at `rate`, in ticks.
std::uint32_t ticks_of(std::uint64_t rate, std::uint32_t bytes) {
    const double nanoseconds = 1e9 * bytes / static_cast<double>(std::max<std::uint64_t>(rate, 1));
    const double ticks = nanoseconds / (1U << kHtbTickShift);
    return static_cast<std::uint32_t>(
        std::min(ticks, static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
}

}  // namespace

Result<Rtnetlink> Rtnetlink::open() {
    auto socket = NetlinkSocket::open(NETLINK_ROUTE, "rtnetlink");
    if (!socket) return std::unexpected(socket.error());
    return Rtnetlink{std::move(*socket)};
}

Result<std::vector<Interface>> Rtnetlink::interfaces() {
    std::vector<Interface> found;
    Request request{RTM_GETLINK, NLM_F_DUMP};
    request.put<ifinfomsg>()->ifi_family = AF_UNSPEC;
    auto ok = socket_.talk(request.get(), "list interfaces", [&](const nlmsghdr* message) {
        const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
        Interface interface{.index = header->ifi_index,
                            .loopback = (header->ifi_flags & IFF_LOOPBACK) != 0,
                            .up = (header->ifi_flags & IFF_UP) != 0};
        const std::string_view payload{static_cast<const char*>(mnl_nlmsg_get_payload(message)),
                                       mnl_nlmsg_get_payload_len(message)};
        Attributes attributes{payload.substr(std::min(sizeof(ifinfomsg), payload.size()))};
        while (const auto attribute = attributes.next()) {
            const auto& [type, value] = *attribute;
            if (type == IFLA_IFNAME) interface.name = text_of(value);
            if (type == IFLA_MTU) interface.mtu = read_as<unsigned>(value).value_or(0);
            if (type == IFLA_LINKINFO) interface.kind = link_kind(value);
        }
        found.push_back(std::move(interface));
    });
    if (!ok) return std::unexpected(ok.error());
    return found;
}

Result<std::vector<Observed>> Rtnetlink::qdiscs() {
    std::vector<Observed> found;
    Request request{RTM_GETQDISC, NLM_F_DUMP};
    put_header(request, 0, 0, 0);
    auto ok = socket_.talk(request.get(), "list qdiscs", [&](const nlmsghdr* message) {
        const std::string_view payload{static_cast<const char*>(mnl_nlmsg_get_payload(message)),
                                       mnl_nlmsg_get_payload_len(message)};
        if (auto observed = decode_qdisc(payload)) found.push_back(std::move(*observed));
    });
    if (!ok) return std::unexpected(ok.error());
    return found;
}

Result<> Rtnetlink::put_qdisc(int interface, std::uint32_t parent, std::uint32_t handle,
                              const Discipline& discipline) {
    if (std::holds_alternative<Htb>(discipline)) {
        const auto there = has_qdisc(interface, handle);
        if (!there) return std::unexpected(there.error());
        if (*there) return {};
    }
    // Without NLM_F_REPLACE the kernel changes the discipline of the same handle and kind in place;
    // NLM_F_CREATE makes it where there is none.
    Request request{RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE};
    put_header(request, interface, parent, handle);
    const std::string kind{kind_of(discipline)};
    request.put(TCA_KIND, {kind.c_str(), kind.size() + 1});
    request.put(TCA_OPTIONS, encode_options(discipline));
    return socket_.talk(request.get(), "put qdisc " + kind, {});
}

Result<> Rtnetlink::put_class(int interface, std::uint32_t parent, std::uint32_t id,
                              std::uint64_t rate, std::uint32_t burst) {
    Request request{RTM_NEWTCLASS, NLM_F_ACK | NLM_F_CREATE};
    put_header(request, interface, parent, id);
    request.put(TCA_KIND, {"htb\0", 4});
    tc_htb_opt options{};
    options.rate.rate = options.ceil.rate = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(rate, std::numeric_limits<std::uint32_t>::max()));
    options.buffer = options.cbuffer = ticks_of(rate, burst);
    auto* nested = mnl_attr_nest_start(request.get(), TCA_OPTIONS);
    mnl_attr_put(request.get(), TCA_HTB_RATE64, sizeof rate, &rate);
    mnl_attr_put(request.get(), TCA_HTB_CEIL64, sizeof rate, &rate);
    mnl_attr_put(request.get(), TCA_HTB_PARMS, sizeof options, &options);
    mnl_attr_nest_end(request.get(), nested);
    return socket_.talk(request.get(), "put class htb", {});
}

Result<> Rtnetlink::remove_qdisc(int interface, std::uint32_t parent, std::uint32_t handle) {
    Request request{RTM_DELQDISC, NLM_F_ACK};
    put_header(request, interface, parent, handle);
    auto removed = socket_.talk(request.get(), "remove qdisc", {});
    if (removed) return {};
    // The kernel has several words for "not there", some of which also mean other things.
    const auto there = has_qdisc(interface, handle);
    return there && !*there ? Result<>{} : removed;
}

Result<> Rtnetlink::remove_class(int interface, std::uint32_t id) {
    Request request{RTM_DELTCLASS, NLM_F_ACK};
    put_header(request, interface, 0, id);
    auto removed = socket_.talk(request.get(), "remove class", {});
    if (!removed && removed.error().code == ErrorCode::kNotFound) return {};
    return removed;
}

Result<int> Rtnetlink::put_ifb(const std::string& name) {
    Request request{RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE};
    auto* header = request.put<ifinfomsg>();
    header->ifi_family = AF_UNSPEC;
    header->ifi_flags = header->ifi_change = IFF_UP;
    request.put(IFLA_IFNAME, {name.c_str(), name.size() + 1});
    auto* nested = mnl_attr_nest_start(request.get(), IFLA_LINKINFO);
    request.put(IFLA_INFO_KIND, "ifb");
    mnl_attr_nest_end(request.get(), nested);
    if (auto ok = socket_.talk(request.get(), "put interface ifb", {}); !ok) {
        return std::unexpected(ok.error());
    }
    const auto all = interfaces();
    if (!all) return std::unexpected(all.error());
    const auto it = std::ranges::find(*all, name, &Interface::name);
    if (it == all->end()) return fail(ErrorCode::kUnavailable, name + " is gone again");
    return it->index;
}

Result<> Rtnetlink::remove_interface(int interface) {
    Request request{RTM_DELLINK, NLM_F_ACK};
    auto* header = request.put<ifinfomsg>();
    header->ifi_family = AF_UNSPEC;
    header->ifi_index = interface;
    auto removed = socket_.talk(request.get(), "remove interface", {});
    if (!removed && removed.error().code == ErrorCode::kNotFound) return {};
    return removed;
}

Result<bool> Rtnetlink::has_qdisc(int interface, std::uint32_t handle) {
    const auto all = qdiscs();
    if (!all) return std::unexpected(all.error());
    return find_qdisc(*all, interface, handle) != nullptr;
}

}  // namespace chaos::network
