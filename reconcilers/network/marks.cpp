#include "reconcilers/network/marks.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "reconcilers/container/process.h"
#include "reconcilers/network/merge.h"
#include "reconcilers/network/namespace.h"
#include "reconcilers/network/nfnetlink.h"

namespace chaos::network {
Result<Marks> find_marks() {
    auto link = Rtnetlink::open();
    if (!link) return std::unexpected(link.error());
    const auto interfaces = link->interfaces();
    if (!interfaces) return std::unexpected(interfaces.error());
    const auto qdiscs = link->qdiscs();
    if (!qdiscs) return std::unexpected(qdiscs.error());
    auto tables = Nfnetlink::open();
    if (!tables) return std::unexpected(tables.error());
    const auto seen = tables->look();
    if (!seen) return std::unexpected(seen.error());
    Marks marks;
    for (const auto& interface : *interfaces) {
        if (is_our_ifb(interface)) {
            marks.items.push_back({"interface " + interface.name, "ip link del " + interface.name});
            continue;  // its qdisc goes along
        }
        if (find_qdisc(*qdiscs, interface.index, kRoot) != nullptr) {
            marks.items.push_back({"qdisc htb c4a0: on " + interface.name,
                                   "tc qdisc del dev " + interface.name + " root"});
        }
    }
    for (const auto& [there, family] :
         {std::pair{seen->tables.inet, "inet "}, {seen->tables.netdev, "netdev "}}) {
        const auto table = "table " + std::string{family} + kTable;
        if (there) marks.items.push_back({"nftables " + table, "nft delete " + table});
    }
    const auto live = tables->is_live(seen->tables);
    if (!live) return std::unexpected(live.error());
    marks.live = *live;
    return marks;
}

Result<std::vector<Mark>> find_all_marks() {
    if (::geteuid() != 0) {
        return fail(ErrorCode::kPermission,
                    "only root can look into those of other users' processes");
    }
    std::vector<Mark> marks;
    std::map<unsigned long, std::vector<Mark>> spaces;
    for (const auto& [pid, container] : container::processes_by_container()) {
        const auto inode = namespace_of(pid);
        if (inode != 0) spaces[inode].push_back({container, pid, {}});
    }
    for (auto& [inode, inhabitants] : spaces) {
        // Those that belong to a container first: they name it.
        std::ranges::partition(inhabitants, [](const Mark& m) { return !m.container_id.empty(); });
        Result<Namespace> space = fail(ErrorCode::kNotFound, "");
        Mark mark;
        for (const auto& inhabitant : inhabitants) {
            mark = inhabitant;
            space = Namespace::open(namespace_path(mark.pid));
            if (space && space->inode() == inode) break;
            if (!space && space.error().code == ErrorCode::kPermission) {
                return std::unexpected(space.error());
            }
        }
        // All who were in there have ended.
        if (!space || space->inode() != inode || is_of_host(*space)) continue;
        Result<Marks> found;
        const auto entered = space->run([&] { found = find_marks(); });
        if (!entered) return std::unexpected(entered.error());
        if (!found) return std::unexpected(found.error());
        mark.marks = std::move(*found);
        if (!mark.marks.items.empty()) marks.push_back(std::move(mark));
    }
    return marks;
}

}  // namespace chaos::network
