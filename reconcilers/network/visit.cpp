#include "reconcilers/network/visit.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "reconcilers/network/nfnetlink.h"
#include "reconcilers/network/nftables.h"

namespace chaos::network {
namespace {

// Of a class that limits nothing: 80 Gbit/s, and what comes at once in 100 microseconds.
constexpr std::uint64_t kUnlimited = 10'000'000'000;
constexpr std::uint32_t kUnlimitedBurst = 1'000'000;

std::uint32_t netem_handle(std::uint16_t number) {
    return handle_of(static_cast<std::uint16_t>(kNetemMajor + number), 0);
}
std::uint32_t tbf_handle(std::uint16_t number) {
    return handle_of(static_cast<std::uint16_t>(kTbfMajor + number), 0);
}

// The class that a discipline of ours hangs in; nullopt for others.
std::optional<std::uint16_t> class_of(const Observed& qdisc) {
    const auto major = static_cast<std::uint16_t>(qdisc.parent >> 16U);
    const auto minor = static_cast<std::uint16_t>(qdisc.parent & 0xffffU);
    if (major != kRootMajor || minor == 0) return std::nullopt;
    return minor;
}

// Rules less what differs from one moment to the next.
std::vector<Rule> lasting(std::vector<Rule> rules) {
    for (auto& rule : rules) {
        rule.lasts = {};
        rule.counted = rule.dropped = {};
    }
    return rules;
}

class Visitor {
public:
    Visitor(const Wish& wish, Rtnetlink link, Nfnetlink tables)
        : wish_(wish), link_(std::move(link)), tables_(std::move(tables)) {}

    Result<Report> run() {
        if (auto ok = look(); !ok) return std::unexpected(ok.error());
        report_.tree = merge(wish_.faults, ground_);
        report_.put_back = wish_.made && is_something_missing(*wish_.made);
        for (const auto& device : report_.tree.devices) {
            if (auto ok = put_device(device); !ok) return wrap(device.name, ok.error());
        }
        if (auto ok = put_rules(); !ok) return std::unexpected(ok.error());
        if (auto ok = remove_rest(); !ok) return std::unexpected(ok.error());
        if (auto ok = read_back(); !ok) return std::unexpected(ok.error());
        report_.cookie = namespace_cookie();
        report_.to_close = std::make_shared<std::pair<Nfnetlink, std::optional<Nftables>>>(
            std::move(tables_), std::move(nftables_));
        return std::move(report_);
    }

private:
    Result<> look() {
        auto interfaces = link_.interfaces();
        if (!interfaces) return std::unexpected(interfaces.error());
        auto qdiscs = link_.qdiscs();
        if (!qdiscs) return std::unexpected(qdiscs.error());
        auto seen = tables_.look();
        if (!seen) return std::unexpected(seen.error());
        ground_ = {std::move(*interfaces), std::move(*qdiscs), wish_.abilities};
        seen_ = std::move(*seen);
        return {};
    }

    [[nodiscard]] const Interface* find_interface(const std::string& name) const {
        const auto it = std::ranges::find(ground_.interfaces, name, &Interface::name);
        return it == ground_.interfaces.end() ? nullptr : &*it;
    }

    [[nodiscard]] const Observed* found(int interface, std::uint32_t handle) const {
        return find_qdisc(ground_.qdiscs, interface, handle);
    }

    [[nodiscard]] bool has_leaf(int interface, const Leaf& leaf) const {
        return (!leaf.netem || found(interface, netem_handle(leaf.number)) != nullptr) &&
               (!leaf.tbf || found(interface, tbf_handle(leaf.number)) != nullptr);
    }

    [[nodiscard]] bool is_something_missing(const Tree& made) const {
        const auto tables = tables_of(made.rules);
        if (!made.rules.empty() &&
            ((tables.inet && !seen_.tables.inet) || (tables.netdev && !seen_.tables.netdev))) {
            return true;
        }
        return std::ranges::any_of(made.devices, [&](const Device& device) {
            const auto* interface = find_interface(device.name);
            // One that has left (docker network disconnect) took its tree along.
            if (interface == nullptr) return !device.stands_for.empty();
            return !std::ranges::all_of(
                device.leaves, [&](const Leaf& leaf) { return has_leaf(interface->index, leaf); });
        });
    }

    // The leaf as the last visit has made it; null where that is not known.
    [[nodiscard]] const Leaf* made_leaf(const Device& device, std::uint16_t number) const {
        if (!wish_.made) return nullptr;
        const auto& devices = wish_.made->devices;
        const auto it = std::ranges::find(devices, device.name, &Device::name);
        if (it == devices.end()) return nullptr;
        const auto leaf = std::ranges::find(it->leaves, number, &Leaf::number);
        return leaf == it->leaves.end() ? nullptr : &*leaf;
    }

    Result<> put_device(const Device& device) {
        int index = 0;
        if (device.stands_for.empty()) {
            index = find_interface(device.name)->index;
        } else if (const auto* there = find_interface(device.name)) {
            index = there->index;
        } else {
            const auto made = link_.put_ifb(device.name);
            if (!made) return std::unexpected(made.error());
            index = *made;
        }
        wanted_[index] = &device;
        if (found(index, kRoot) == nullptr) {
            if (auto ok = link_.put_qdisc(index, kNoParent, kRoot, Htb{}); !ok) return ok;
        }
        for (const auto& leaf : device.leaves) {
            const auto* made = made_leaf(device, leaf.number);
            if (made != nullptr && *made == leaf && has_leaf(index, leaf)) continue;
            if (auto ok = put_leaf(index, leaf); !ok) return ok;
        }
        return {};
    }

    Result<> put_leaf(int index, const Leaf& leaf) {
        const auto id = class_handle(leaf.number);
        if (auto ok = link_.put_class(index, kRoot, id, kUnlimited, kUnlimitedBurst); !ok)
            return ok;
        if (auto ok = make_room(index, leaf); !ok) return ok;
        std::uint32_t parent = id;
        if (leaf.netem) {
            const auto handle = netem_handle(leaf.number);
            if (auto ok = link_.put_qdisc(index, parent, handle, *leaf.netem); !ok) return ok;
            parent = handle | 1U;
        }
        if (!leaf.tbf) return {};
        return link_.put_qdisc(index, parent, tbf_handle(leaf.number), *leaf.tbf);
    }

    // What hangs there and is to hang elsewhere, or not at all, goes first.
    Result<> make_room(int index, const Leaf& leaf) {
        const auto id = class_handle(leaf.number);
        const auto* netem = found(index, netem_handle(leaf.number));
        const auto* tbf = found(index, tbf_handle(leaf.number));
        if (netem != nullptr && !leaf.netem) {
            if (auto ok = link_.remove_qdisc(index, id, netem->handle); !ok) return ok;
            tbf = nullptr;  // it went along
        }
        const auto parent = leaf.netem ? netem_handle(leaf.number) | 1U : id;
        if (tbf == nullptr || (leaf.tbf && tbf->parent == parent)) return {};
        return link_.remove_qdisc(index, tbf->parent, tbf->handle);
    }

    Result<> put_rules() {
        auto& rules = report_.tree.rules;
        const bool same = wish_.made && !report_.put_back &&
                          lasting(wish_.made->rules) == lasting(rules) &&
                          wish_.made->redirects == report_.tree.redirects;
        if (same && !wish_.rearm) return {};
        if (rules.empty()) return tables_.remove(seen_.tables);
        if (same) return run(rearm(rules));
        for (auto& rule : rules) {
            rule.counted = counted(rule, counter_name(rule.slot));
            rule.dropped = counted(rule, drops_counter_name(rule.slot));
        }
        const auto text = ruleset(rules, report_.tree.redirects, seen_.tables);
        if (!text) return std::unexpected(text.error());
        return run(*text);
    }

    Result<> run(const std::string& text) {
        auto nftables = Nftables::open();
        if (!nftables) return std::unexpected(nftables.error());
        nftables_ = std::move(*nftables);
        return nftables_->run(text);
    }

    // What a counter of the rule has counted so far.
    [[nodiscard]] Counted counted(const Rule& rule, const std::string& name) const {
        const bool fresh = std::ranges::any_of(wish_.faults, [&](const Active& active) {
            return active.slot == fault_slot_of(rule.slot) && active.fresh;
        });
        const auto it = seen_.counters.find(name);
        return it == seen_.counters.end() || fresh ? Counted{} : it->second;
    }

    Result<> remove_rest() {
        for (const auto& interface : ground_.interfaces) {
            const auto it = wanted_.find(interface.index);
            Result<> ok;
            if (it != wanted_.end()) {
                ok = remove_classes(interface.index, *it->second);
            } else if (is_our_ifb(interface)) {
                ok = link_.remove_interface(interface.index);
            } else if (found(interface.index, kRoot) != nullptr) {
                ok = link_.remove_qdisc(interface.index, kNoParent, kRoot);
            }
            if (!ok) return wrap(interface.name, ok.error());
        }
        return {};
    }

    // Nothing comes in any more; what waits in there may be another fault's packets.
    Result<> remove_classes(int interface, const Device& device) {
        const auto is_left = [&](const Observed& qdisc) {
            const auto number = class_of(qdisc);
            return qdisc.interface == interface && number &&
                   std::ranges::find(device.leaves, *number, &Leaf::number) == device.leaves.end();
        };
        if (std::ranges::none_of(ground_.qdiscs, is_left)) return {};
        const auto now = link_.qdiscs();
        if (!now) return std::unexpected(now.error());
        for (const auto& qdisc : *now) {
            if (!is_left(qdisc) || qdisc.backlog > 0) continue;  // the next visit removes it
            auto ok = link_.remove_class(interface, class_handle(*class_of(qdisc)));
            if (!ok) return ok;
        }
        return {};
    }

    Result<> read_back() {
        auto now = link_.qdiscs();
        if (!now) return std::unexpected(now.error());
        count(now->empty() ? ground_.qdiscs : *now);
        for (const auto& [index, device] : wanted_) {
            for (const auto& leaf : device->leaves) {
                const auto handle =
                    leaf.netem ? netem_handle(leaf.number) : tbf_handle(leaf.number);
                if (find_qdisc(*now, index, handle) == nullptr) {
                    return fail(ErrorCode::kUnavailable,
                                device->name + ": what was put there is not there");
                }
            }
        }
        const bool left = std::ranges::any_of(*now, [&](const Observed& q) {
            return q.handle == kRoot && !wanted_.contains(q.interface);
        });
        if (left) return fail(ErrorCode::kUnavailable, "the tree of qdiscs is still there");
        return {};
    }

    // Of what is gone now: as it was last seen.
    void count(const std::vector<Observed>& now) {
        std::vector<Observed> all = now;
        for (const auto& before : ground_.qdiscs) {
            if (find_qdisc(now, before.interface, before.handle) == nullptr) all.push_back(before);
        }
        for (const auto& active : wish_.faults) {
            if (active.fresh) {
                forget(active.slot);
                std::erase_if(all, [&](const Observed& q) { return is_in_slot(q, active.slot); });
                for (const auto& q : now) {
                    if (is_in_slot(q, active.slot)) all.push_back(q);
                }
            }
            count_fault(active.slot, all);
        }
        for (const auto& [name, counted] : seen_.counters) {
            if (!name.starts_with('c')) continue;
            const int slot = fault_slot_of(std::atoi(name.c_str() + 1));
            if (!report_.statistics.contains(slot)) count_fault(slot, all);
        }
    }

    static bool is_in_slot(const Observed& qdisc, int slot) {
        const auto number = class_of(qdisc);
        return number && slot <= kMaxSteering &&
               (*number >> static_cast<unsigned>(slot - 1) & 1U) != 0;
    }

    void forget(int slot) {
        for (const auto part : {Part::kCut, Part::kShare, Part::kSteer}) {
            seen_.counters.erase(counter_name(rule_slot(slot, part)));
            seen_.counters.erase(drops_counter_name(rule_slot(slot, part)));
        }
    }

    void count_fault(int slot, const std::vector<Observed>& qdiscs) {
        Statistics sum;
        std::set<std::string> kinds;
        for (const auto part : {Part::kCut, Part::kShare, Part::kSteer}) {
            const auto it = seen_.counters.find(counter_name(rule_slot(slot, part)));
            if (it == seen_.counters.end()) continue;
            sum.packets += it->second.packets;
            if (part == Part::kCut) sum.dropped += it->second.packets;
            const auto drops = seen_.counters.find(drops_counter_name(rule_slot(slot, part)));
            if (drops != seen_.counters.end()) sum.dropped += drops->second.packets;
        }
        for (const auto& qdisc : qdiscs) {
            if (!is_in_slot(qdisc, slot)) continue;
            // A netem counts what the tbf below it has dropped.
            sum.dropped += qdisc.drops;
            sum.backlog += qdisc.backlog;
            kinds.insert(qdisc.kind);
        }
        for (const auto& rule : report_.tree.rules) {
            if (fault_slot_of(rule.slot) != slot) continue;
            if (!std::holds_alternative<Steer>(rule.effect)) kinds.insert("nftables");
            std::string names;
            for (const auto& name : rule.interfaces) names += (names.empty() ? "" : ", ") + name;
            sum.interfaces = names;
        }
        for (const auto& kind : kinds) {
            sum.disciplines += (sum.disciplines.empty() ? "" : ", ") + kind;
        }
        report_.statistics[slot] = std::move(sum);
    }

    const Wish& wish_;
    Rtnetlink link_;
    Nfnetlink tables_;
    std::optional<Nftables> nftables_;
    Ground ground_;
    Nfnetlink::Seen seen_;
    std::map<int, const Device*> wanted_;  // by index
    Report report_;
};

}  // namespace

Result<Report> visit(const Wish& wish) {
    auto link = Rtnetlink::open();
    if (!link) return std::unexpected(link.error());
    auto tables = Nfnetlink::open();
    if (!tables) return std::unexpected(tables.error());
    return Visitor{wish, std::move(*link), std::move(*tables)}.run();
}

Result<Report> visit_each(const Wish& wish) {
    auto report = visit(wish);
    const auto fresh = std::ranges::count_if(wish.faults, &Active::fresh);
    if (report || fresh == 0) return report;
    Wish sure = wish;
    sure.made.reset();  // nobody knows what the failed attempt has left
    sure.rearm = true;
    std::erase_if(sure.faults, [](const Active& active) { return active.fresh; });
    report = visit(sure);
    if (!report) return report;
    std::map<int, Error> refused;
    bool clean = true;  // nothing is left of an attempt that failed
    for (const auto& active : wish.faults) {
        if (!active.fresh) continue;
        Wish next = sure;
        const auto place = std::ranges::upper_bound(next.faults, active.slot, {}, &Active::slot);
        next.faults.insert(place, active);
        auto tried = visit(next);
        clean = tried.has_value();
        if (tried) {
            sure = std::move(next);
            report = std::move(tried);
        } else {
            refused.emplace(active.slot, tried.error());
        }
    }
    if (!clean) report = visit(sure);
    if (report) report->tree.refused.merge(refused);
    return report;
}

std::uint64_t namespace_cookie() {
    constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE, which older headers lack
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, kNetnsCookie, &cookie, &size) != 0) cookie = 0;
    if (fd >= 0) ::close(fd);
    return cookie;
}

}  // namespace chaos::network
