#include "reconcilers/network/nfnetlink.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <vector>

#include "reconcilers/network/attributes.h"

namespace chaos::network {
namespace {

std::uint16_t nft_type(int message) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

nfgenmsg* put_family(Request& request, std::uint8_t family, std::uint16_t resource = 0) {
    auto* header = request.put<nfgenmsg>();
    header->nfgen_family = family;
    header->version = NFNETLINK_V0;
    header->res_id = htons(resource);
    return header;
}

std::string_view body_of(const nlmsghdr* message) {
    return attributes_of(message, sizeof(nfgenmsg));
}

std::uint64_t big_endian(std::string_view payload) {
    const auto value = read_as<std::uint64_t>(payload);
    return value ? be64toh(*value) : 0;
}

Counted counted_of(std::string_view data) {
    Counted counted;
    Attributes attributes{data};
    while (const auto attribute = attributes.next()) {
        if (attribute->type == NFTA_COUNTER_PACKETS)
            counted.packets = big_endian(attribute->payload);
        if (attribute->type == NFTA_COUNTER_BYTES) counted.bytes = big_endian(attribute->payload);
    }
    return counted;
}

std::vector<std::uint8_t> families_of(const Tables& tables) {
    std::vector<std::uint8_t> families;
    if (tables.inet) families.push_back(NFPROTO_INET);
    if (tables.netdev) families.push_back(NFPROTO_NETDEV);
    return families;
}

}  // namespace

Result<Nfnetlink> Nfnetlink::open() {
    auto socket = NetlinkSocket::open(NETLINK_NETFILTER, "nftables");
    if (!socket) return std::unexpected(socket.error());
    return Nfnetlink{std::move(*socket)};
}

Result<Nfnetlink::Seen> Nfnetlink::look() {
    Seen seen;
    Request request{nft_type(NFT_MSG_GETTABLE), NLM_F_DUMP};
    put_family(request, NFPROTO_UNSPEC);
    auto ok = socket_.talk(request.get(), "list tables", [&](const nlmsghdr* message) {
        const auto family =
            static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family;
        Attributes attributes{body_of(message)};
        while (const auto attribute = attributes.next()) {
            if (attribute->type != NFTA_TABLE_NAME || text_of(attribute->payload) != kTable)
                continue;
            seen.tables.inet = seen.tables.inet || family == NFPROTO_INET;
            seen.tables.netdev = seen.tables.netdev || family == NFPROTO_NETDEV;
        }
    });
    for (const auto family : families_of(seen.tables)) {
        if (ok) ok = add_counters(family, seen);
    }
    if (!ok) return std::unexpected(ok.error());
    return seen;
}

Result<> Nfnetlink::add_counters(std::uint8_t family, Seen& seen) {
    Request request{nft_type(NFT_MSG_GETOBJ), NLM_F_DUMP};
    put_family(request, family);
    request.put_text(NFTA_OBJ_TABLE, kTable);
    return socket_.talk(request.get(), "list counters", [&](const nlmsghdr* message) {
        std::string name;
        Counted counted;
        Attributes attributes{body_of(message)};
        while (const auto attribute = attributes.next()) {
            if (attribute->type == NFTA_OBJ_NAME) name = text_of(attribute->payload);
            if (attribute->type == NFTA_OBJ_DATA) counted = counted_of(attribute->payload);
        }
        auto& sum = seen.counters[name];
        sum.packets += counted.packets;
        sum.bytes += counted.bytes;
    });
}

Result<bool> Nfnetlink::is_live(const Tables& tables) {
    for (const auto family : families_of(tables)) {
        auto live = has_live_set(family);
        if (!live || *live) return live;
    }
    return false;
}

Result<bool> Nfnetlink::has_live_set(std::uint8_t family) {
    std::vector<std::string> sets;
    Request request{nft_type(NFT_MSG_GETSET), NLM_F_DUMP};
    put_family(request, family);
    request.put_text(NFTA_SET_TABLE, kTable);
    const auto ok = socket_.talk(request.get(), "list sets", [&](const nlmsghdr* message) {
        Attributes attributes{body_of(message)};
        while (const auto attribute = attributes.next()) {
            if (attribute->type != NFTA_SET_NAME) continue;
            const auto name = text_of(attribute->payload);
            if (name.starts_with("live")) sets.push_back(name);
        }
    });
    if (!ok) return std::unexpected(ok.error());
    for (const auto& set : sets) {
        auto has = has_elements(family, set);
        if (!has || *has) return has;
    }
    return false;
}

Result<bool> Nfnetlink::has_elements(std::uint8_t family, const std::string& set) {
    bool has = false;
    Request request{nft_type(NFT_MSG_GETSETELEM), NLM_F_DUMP};
    put_family(request, family);
    request.put_text(NFTA_SET_ELEM_LIST_TABLE, kTable);
    request.put_text(NFTA_SET_ELEM_LIST_SET, set.c_str());
    const auto ok = socket_.talk(request.get(), "list elements", [&](const nlmsghdr* message) {
        Attributes attributes{body_of(message)};
        while (const auto attribute = attributes.next()) {
            if (attribute->type != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
            has = has || Attributes{attribute->payload}.next().has_value();
        }
    });
    if (!ok) return std::unexpected(ok.error());
    return has;
}

Result<> Nfnetlink::remove(const Tables& tables) {
    if (!tables.any()) return {};
    Request begin{NFNL_MSG_BATCH_BEGIN, 0};
    put_family(begin, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    Request end{NFNL_MSG_BATCH_END, 0};
    put_family(end, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    std::vector<std::unique_ptr<Request>> removals;
    std::vector<Request*> batch{&begin};
    for (const auto family : families_of(tables)) {
        removals.push_back(std::make_unique<Request>(nft_type(NFT_MSG_DELTABLE),
                                                     static_cast<std::uint16_t>(NLM_F_ACK)));
        put_family(*removals.back(), family);
        removals.back()->put_text(NFTA_TABLE_NAME, kTable);
        batch.push_back(removals.back().get());
    }
    batch.push_back(&end);
    return socket_.talk(batch, "remove tables");
}

}  // namespace chaos::network
