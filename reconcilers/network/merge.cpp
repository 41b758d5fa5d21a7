#include "reconcilers/network/merge.h"

#include <algorithm>
#include <set>

#include "reconcilers/network/combine.h"

namespace chaos::network {
namespace {

constexpr std::string_view kIfbPrefix = "chaosifb";

std::string names_of_interfaces(const std::vector<Interface>& interfaces) {
    std::string text;
    for (const auto& i : interfaces) {
        if (!is_our_ifb(i)) text += (text.empty() ? "" : ", ") + i.name;
    }
    return text;
}

// A root that somebody has put there; the kernel's own has no handle.
const Observed* foreign_root(const Ground& ground, int interface) {
    const auto it = std::ranges::find_if(ground.qdiscs, [&](const Observed& q) {
        return q.interface == interface && q.parent == kNoParent && q.handle != 0 &&
               q.handle != kRoot;
    });
    return it == ground.qdiscs.end() ? nullptr : &*it;
}

std::string hex(std::uint16_t number) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%x:", number);
    return text.data();
}

bool goes_out(const NetworkFault& fault) { return fault.direction != Direction::kIngress; }
bool comes_in(const NetworkFault& fault) { return fault.direction != Direction::kEgress; }

// A fault with what follows from the ground: its interfaces, and which parts it has.
struct Placed {
    const Active* active = nullptr;
    std::vector<const Interface*> interfaces;
    bool share = false;  // its loss is nftables'
    bool steers = false;
    std::uint16_t bit = 0;

    [[nodiscard]] const NetworkFault& fault() const { return active->fault; }
    [[nodiscard]] bool is_on(const Interface& interface) const {
        return std::ranges::find(interfaces, &interface) != interfaces.end();
    }
};

Result<std::vector<const Interface*>> choose_interfaces(const NetworkFault& fault,
                                                        const Ground& ground) {
    std::vector<const Interface*> chosen;
    for (const auto& name : fault.interfaces) {
        const auto it = std::ranges::find(ground.interfaces, name, &Interface::name);
        if (it == ground.interfaces.end()) {
            return fail(ErrorCode::kConflict, "there is no interface " + name + ", only " +
                                                  names_of_interfaces(ground.interfaces));
        }
        chosen.push_back(&*it);
    }
    if (!fault.interfaces.empty()) return chosen;
    for (const auto& interface : ground.interfaces) {
        // Behind lo no peer is; tunnels that every namespace is born with are down and unused.
        if (!interface.loopback && !is_our_ifb(interface) && interface.up) {
            chosen.push_back(&interface);
        }
    }
    if (!chosen.empty()) return chosen;
    return fail(ErrorCode::kConflict, "there is no network interface but lo");
}

Result<> check_abilities(const Placed& placed, const Ground& ground) {
    const auto needs = [](bool there, const char* module) -> Result<> {
        if (there) return {};
        return fail(ErrorCode::kUnsupported, "this kernel cannot do it: " + std::string{module} +
                                                 " is missing (modprobe " + module + ")");
    };
    const auto& fault = placed.fault();
    Result<> ok;
    if (needs_netem(fault) && !placed.share) ok = needs(ground.abilities.netem, "sch_netem");
    if (ok && fault.bandwidth) ok = needs(ground.abilities.tbf, "sch_tbf");
    if (ok && placed.steers) ok = needs(ground.abilities.htb, "sch_htb");
    if (ok && placed.steers && comes_in(fault)) ok = needs(ground.abilities.ifb, "ifb");
    return ok;
}

Result<> check_roots(const Placed& placed, const Ground& ground) {
    if (!placed.steers || !goes_out(placed.fault())) return {};
    for (const auto* interface : placed.interfaces) {
        const auto* root = foreign_root(ground, interface->index);
        if (root == nullptr) continue;
        return fail(ErrorCode::kConflict,
                    interface->name + " has a qdisc that is not this project's, " + root->kind +
                        " " + hex(static_cast<std::uint16_t>(root->handle >> 16U)) +
                        "; it stays (tc qdisc del dev " + interface->name + " root removes it)");
    }
    return {};
}

Result<Placed> place(const Active& active, const Ground& ground) {
    Placed placed{.active = &active};
    auto interfaces = choose_interfaces(active.fault, ground);
    if (!interfaces) return std::unexpected(interfaces.error());
    placed.interfaces = std::move(*interfaces);
    placed.share = !ground.abilities.netem && loss_by_nftables(active.fault);
    placed.steers = active.fault.bandwidth || (needs_netem(active.fault) && !placed.share);
    if (auto ok = check_abilities(placed, ground); !ok) return std::unexpected(ok.error());
    if (auto ok = check_roots(placed, ground); !ok) return std::unexpected(ok.error());
    return placed;
}

// Classes that a packet may be in: sets of faults of which each two may be for the same packet.
class Classes {
public:
    explicit Classes(bool outgoing) : outgoing_(outgoing) {}

    // Errors: kConflict.
    [[nodiscard]] Result<> add(const Placed& next) {
        if (!(outgoing_ ? goes_out(next.fault()) : comes_in(next.fault()))) return {};
        std::vector<std::vector<const Placed*>> more{{&next}};
        for (const auto& set : sets_) {
            if (!std::ranges::all_of(set, [&](const Placed* p) { return may_meet(*p, next); })) {
                continue;
            }
            more.push_back(set);
            more.back().push_back(&next);
            if (auto ok = can_combine(faults_of(more.back())); !ok) return ok;
        }
        if (sets_.size() + more.size() > kMaxClasses) {
            return fail(ErrorCode::kConflict,
                        "more than " + std::to_string(kMaxClasses) +
                            " combinations of faults for the same packets in one namespace");
        }
        sets_.insert(sets_.end(), more.begin(), more.end());
        return {};
    }

    [[nodiscard]] const std::vector<std::vector<const Placed*>>& sets() const { return sets_; }

    static std::vector<const NetworkFault*> faults_of(const std::vector<const Placed*>& set) {
        std::vector<const NetworkFault*> faults;
        for (const auto* placed : set) faults.push_back(&placed->fault());
        return faults;
    }
    static std::uint16_t number_of(const std::vector<const Placed*>& set) {
        unsigned number = 0;
        for (const auto* placed : set) number |= placed->bit;
        return static_cast<std::uint16_t>(number);
    }

private:
    static bool may_meet(const Placed& a, const Placed& b) {
        const bool same_interface =
            std::ranges::any_of(a.interfaces, [&](const Interface* i) { return b.is_on(*i); });
        return same_interface && !(names_only_addresses(a, b) && disjoint(a, b));
    }
    // Single addresses are disjoint where they differ; of ranges that is not asked.
    static bool names_only_addresses(const Placed& a, const Placed& b) {
        return std::ranges::all_of(std::array{&a, &b}, [](const Placed* p) {
            const auto& to = p->active->peers.to;
            return p->fault().to && p->fault().to->names_addresses() &&
                   std::ranges::none_of(to, [](const auto& address) {
                       return address.find('/') != std::string::npos;
                   });
        });
    }
    static bool disjoint(const Placed& a, const Placed& b) {
        const auto& to = b.active->peers.to;
        return std::ranges::none_of(a.active->peers.to, [&](const auto& address) {
            return std::ranges::find(to, address) != to.end();
        });
    }

    bool outgoing_;
    std::vector<std::vector<const Placed*>> sets_;
};

Match match_of(const Peers& peers, const std::vector<std::string>& addresses) {
    Match match{.ports = peers.ports, .protocols = peers.protocols};
    if (peers.names_addresses()) match.addresses = addresses;
    return match;
}

class Merger {
public:
    explicit Merger(const Ground& ground) : ground_(ground) {}

    Tree run(const std::vector<Active>& faults) {
        placed_.reserve(faults.size());  // what follows points into it
        // Who is there already has the first claim; then all stand in the order of their slots.
        for (const bool fresh : {false, true}) {
            for (const auto& active : faults) {
                if (active.fresh != fresh) continue;
                if (auto ok = take(active); !ok) tree_.refused[active.slot] = ok.error();
            }
        }
        placed_.clear();
        out_ = Classes{true};
        in_ = Classes{false};
        for (const auto& active : faults) {
            if (tree_.refused.contains(active.slot)) continue;
            if (auto ok = take(active); !ok) tree_.refused[active.slot] = ok.error();
        }
        for (const auto& placed : placed_) {
            add_cut(placed);
            if (placed.share) add_share(placed);
            if (placed.steers) add_steer(placed);
        }
        for (const auto& interface : ground_.interfaces) add_device(interface, out_, false);
        for (const auto& interface : ground_.interfaces) add_device(interface, in_, true);
        return std::move(tree_);
    }

private:
    Result<> take(const Active& active) {
        auto placed = place(active, ground_);
        if (!placed) return std::unexpected(placed.error());
        placed_.push_back(std::move(*placed));
        if (!placed_.back().steers) return {};
        auto ok = give_class(placed_.back());
        if (!ok) placed_.pop_back();
        return ok;
    }

    // The slot's bit, so that a class stays the same fault's while others come and go.
    Result<> give_class(Placed& placed) {
        const int slot = placed.active->slot;
        if (slot > kMaxSteering) {
            return fail(ErrorCode::kConflict, "more than " + std::to_string(kMaxSteering) +
                                                  " network faults in one namespace");
        }
        placed.bit = static_cast<std::uint16_t>(1U << static_cast<unsigned>(slot - 1));
        auto out = out_;
        if (auto ok = out.add(placed); !ok) return ok;
        if (auto ok = in_.add(placed); !ok) return ok;
        out_ = std::move(out);
        return {};
    }

    static Rule rule_of(const Placed& placed, Part part) {
        const auto& fault = placed.fault();
        Rule rule{.slot = rule_slot(placed.active->slot, part),
                  .outgoing = goes_out(fault),
                  .incoming = comes_in(fault),
                  .lasts = placed.active->lasts};
        for (const auto* interface : placed.interfaces) rule.interfaces.push_back(interface->name);
        if (fault.to) rule.to.push_back(match_of(*fault.to, placed.active->peers.to));
        if (fault.except) rule.except = match_of(*fault.except, placed.active->peers.except);
        return rule;
    }

    void add_cut(const Placed& placed) {
        const auto& partition = placed.fault().partition;
        if (!partition) return;
        auto rule = rule_of(placed, Part::kCut);
        rule.outgoing = rule.incoming = true;  // whatever the direction of the rest
        rule.to.push_back(match_of(*partition, placed.active->peers.partition));
        rule.effect = Drop{};
        tree_.rules.push_back(std::move(rule));
    }

    void add_share(const Placed& placed) {
        auto rule = rule_of(placed, Part::kShare);
        rule.effect = DropShare{std::get<Share>(*placed.fault().loss).percent};
        tree_.rules.push_back(std::move(rule));
    }

    void add_steer(const Placed& placed) {
        auto rule = rule_of(placed, Part::kSteer);
        std::set<std::pair<std::uint32_t, std::uint32_t>> joins;
        for (const auto* classes : {&out_, &in_}) {
            for (const auto& set : classes->sets()) {
                // By the rules before this one a packet is in the class of the others.
                if (set.size() < 2 || set.back() != &placed) continue;
                const auto number = Classes::number_of(set);
                joins.emplace(class_handle(static_cast<std::uint16_t>(number & ~placed.bit)),
                              class_handle(number));
            }
        }
        rule.effect = Steer{class_handle(placed.bit), {joins.begin(), joins.end()}};
        tree_.rules.push_back(std::move(rule));
    }

    void add_device(const Interface& interface, const Classes& classes, bool arriving) {
        Device device{arriving ? ifb_name(interface.index) : interface.name,
                      arriving ? interface.name : "",
                      {}};
        Redirect redirect{interface.name, device.name, {}};
        for (const auto& set : classes.sets()) {
            if (!std::ranges::all_of(set, [&](const Placed* p) { return p->is_on(interface); })) {
                continue;
            }
            device.leaves.push_back(combine(Classes::number_of(set), Classes::faults_of(set),
                                            interface.mtu, ground_.abilities.netem));
            redirect.classes.push_back(class_handle(device.leaves.back().number));
        }
        if (device.leaves.empty()) return;
        if (arriving) tree_.redirects.push_back(std::move(redirect));
        tree_.devices.push_back(std::move(device));
    }

    const Ground& ground_;
    std::vector<Placed> placed_;
    Classes out_{true};
    Classes in_{false};
    Tree tree_;
};

}  // namespace

std::string ifb_name(int interface) { return std::string{kIfbPrefix} + std::to_string(interface); }

bool is_our_ifb(const Interface& interface) {
    return interface.kind == "ifb" && interface.name.starts_with(kIfbPrefix);
}

Tree merge(const std::vector<Active>& faults, const Ground& ground) {
    return Merger{ground}.run(faults);
}

}  // namespace chaos::network
