#include "controller/ctl/network_preview.h"

#include <algorithm>
#include <map>
#include <set>

#include "controller/ctl/population.h"
#include "controller/run/peers.h"
#include "reconcilers/network/ability.h"
#include "reconcilers/network/combine.h"
#include "reconcilers/network/namespace.h"

namespace chaos::ctl {
namespace {

struct Seen {
    network::Ground ground;
    std::string remark;
};

// The container's interfaces as they are now; where they cannot be seen, what Docker mostly makes.
Seen look_at(const std::string& docker_host, const Container& container,
             const network::Abilities& abilities) {
    Seen seen;
    seen.ground.abilities = abilities;
    const auto inspected = inspect_container(docker_host, container.id);
    if (inspected && inspected->incarnation) {
        const auto path = network::namespace_path(inspected->incarnation->pid);
        if (const auto space = network::Namespace::open(path)) {
            const auto entered = space->run([&] {
                auto link = network::Rtnetlink::open();
                if (!link) return;
                seen.ground.interfaces =
                    link->interfaces().value_or(std::vector<network::Interface>{});
                seen.ground.qdiscs = link->qdiscs().value_or(std::vector<network::Observed>{});
            });
            if (entered && !seen.ground.interfaces.empty()) return seen;
        }
    }
    seen.ground.interfaces = {
        {.index = 2, .name = "eth0", .up = true, .kind = "veth", .mtu = 1500}};
    seen.remark = "its interfaces cannot be seen (that takes root); eth0 is assumed";
    return seen;
}

// The ends of the faults of one container, in order.
std::set<Duration> boundaries(const std::vector<run::Interval>& intervals) {
    std::set<Duration> times;
    for (const auto& interval : intervals) times.insert({interval.begin, interval.end});
    return times;
}

std::vector<network::Active> active_at(const std::vector<run::Interval>& intervals, Duration time,
                                       const run::World& world, std::string& remark) {
    std::vector<network::Active> faults;
    int steering = 0;
    int others = network::kMaxSteering;
    for (const auto& interval : intervals) {
        if (time < interval.begin || time >= interval.end) continue;
        run::DesiredFault desired{.fault = interval.fault, .target = interval.target};
        run::resolve(desired, world);
        if (const auto why = run::lacks_peers(desired, world); !why.empty()) {
            remark += (remark.empty() ? "" : "; ") + why + " yet";
        }
        const auto& fault = std::get<NetworkFault>(interval.fault);
        faults.push_back({network::needs_class(fault) ? ++steering : ++others, fault, desired.peers,
                          interval.end - interval.begin});
    }
    return faults;
}

std::string text_of(const network::Tree& tree) {
    auto text = network::describe(tree);
    for (const auto& [slot, error] : tree.refused) text += "# refused: " + error.context + "\n";
    return text;
}

}  // namespace

std::vector<NetworkPreview> preview_network(const std::string& docker_host,
                                            const std::vector<run::Interval>& intervals,
                                            const std::vector<Container>& population) {
    std::map<std::string, std::vector<run::Interval>> by_container;
    for (const auto& interval : intervals) {
        if (std::holds_alternative<NetworkFault>(interval.fault)) {
            by_container[interval.target].push_back(interval);
        }
    }
    if (by_container.empty()) return {};
    const run::World world{population};
    // Where it cannot be told the kernel's own answers will tell.
    const auto found = network::abilities();
    const auto abilities = found ? network::as_abilities(*found) : network::Abilities{};
    std::vector<NetworkPreview> previews;
    for (const auto& [name, own] : by_container) {
        const auto* container = run::find_container(world, name);
        if (container == nullptr) continue;
        const auto seen = look_at(docker_host, *container, abilities);
        const auto times = boundaries(own);
        for (auto it = times.begin(); std::next(it) != times.end(); ++it) {
            NetworkPreview preview{name, *it, *std::next(it), "", seen.remark};
            const auto faults = active_at(own, *it, world, preview.remark);
            if (faults.empty()) continue;
            preview.tree = text_of(network::merge(faults, seen.ground));
            previews.push_back(std::move(preview));
        }
    }
    return previews;
}

}  // namespace chaos::ctl
