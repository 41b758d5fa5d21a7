#include "controller/run/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "controller/run/match.h"
#include "controller/run/random.h"

namespace chaos::run {
namespace {

using safety::service_key;
using Members = std::vector<const Container*>;

struct Ranked {
    bool kept;
    double rank;
    const Container* container;
};

std::size_t percent_of(std::size_t count, double percent, bool at_least_one) {
    const auto part =
        static_cast<std::size_t>(std::floor(static_cast<double>(count) * percent / 100.0 + 1e-9));
    return part == 0 && at_least_one && count > 0 ? 1 : part;
}

std::size_t quota(const Target& target, std::size_t count, bool at_least_one, std::uint64_t seed,
                  const std::string& purpose) {
    const auto value = static_cast<std::size_t>(target.value.value_or(1));
    switch (target.mode) {
        case Mode::kOne: return 1;
        case Mode::kAll: return count;
        case Mode::kFixed: return value;
        case Mode::kFixedPercent:
            return percent_of(count, static_cast<double>(value), at_least_one);
        case Mode::kRandomMaxPercent: break;
    }
    const auto most = percent_of(count, static_cast<double>(value), at_least_one);
    const auto drawn =
        static_cast<std::size_t>(draw_unit(seed, purpose, "count") * static_cast<double>(most + 1));
    return drawn == 0 && at_least_one && most > 0 ? 1 : drawn;
}

bool was_chosen(const std::vector<Chosen>& chosen, const Container& container) {
    return std::ranges::find(chosen, container.name, &Chosen::name) != chosen.end();
}

// Those chosen before come first, then the running ones, both by rank, so that of those that
// another entry has chosen too each keeps its own; ties cannot matter, but are broken by name so
// that the order of the population never does.
Members choose(const Target& target, const Members& members, std::size_t wanted, bool frozen,
               const std::vector<Chosen>& chosen, std::uint64_t seed, const std::string& purpose) {
    std::vector<Ranked> ranked;
    for (const auto* member : members) {
        const bool kept = was_chosen(chosen, *member);
        if (!kept && (frozen || !member->running())) continue;
        ranked.push_back({kept, draw_rank(seed, purpose, member->name, target.weight), member});
    }
    std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) {
        return std::tuple{!a.kept, a.rank, a.container->name} <
               std::tuple{!b.kept, b.rank, b.container->name};
    });
    Members result;
    for (const auto& r : ranked) {
        if (result.size() == wanted) break;
        result.push_back(r.container);
    }
    return result;
}

std::size_t service_cap(const Safety& safety, std::size_t services) {
    auto cap = std::numeric_limits<std::size_t>::max();
    if (safety.max_affected_services) {
        cap = static_cast<std::size_t>(*safety.max_affected_services);
    } else if (safety.safe_mode && !safety.max_affected_percent) {
        cap = 1;  // specification section 8: one service at a time unless the manifest says more
    }
    if (safety.max_affected_percent) {
        cap =
            std::min(cap, percent_of(services, *safety.max_affected_percent, safety.at_least_one));
    }
    return cap;
}

// Services that may be hit: those hit already, then the others by weighted rank. `safe`: the policy
// where the run is in safe mode.
std::set<std::string> allowed_services(const std::map<std::string, double>& weights,
                                       std::size_t cap, const std::vector<Chosen>& chosen,
                                       std::uint64_t seed, const safety::Policy* safe,
                                       std::string& later) {
    std::set<std::string> allowed;
    // Those that were chosen first, where an edit or a change of the policy has left room for
    // fewer.
    for (const auto& c : chosen) {
        if (allowed.size() < cap) allowed.insert(service_key(c.project, c.service));
    }
    std::vector<std::pair<double, std::string>> others;
    for (const auto& [service, weight] : weights) {
        if (!allowed.contains(service)) {
            others.emplace_back(draw_rank(seed, "service", service, weight), service);
        }
    }
    std::ranges::sort(others);
    for (const auto& [rank, service] : others) {
        if (allowed.size() >= cap) break;
        const auto neighbour =
            safe == nullptr ? std::nullopt : safety::path_neighbour(*safe, service, allowed);
        if (neighbour) {
            later = "service " + service + " is on one path of dependencies with " + *neighbour +
                    ", which is being hit";
            continue;
        }
        allowed.insert(service);
    }
    return allowed;
}

// Those chosen earlier that count against the cap: also what is gone, but not what is there and is
// not meant any more, since somebody has edited the spec.
std::vector<Chosen> counted(const std::vector<Chosen>& chosen,
                            const std::vector<Container>& population,
                            const std::set<std::string>& matched) {
    std::vector<Chosen> result;
    for (const auto& c : chosen) {
        const bool there =
            std::ranges::find(population, c.name, &Container::name) != population.end();
        if (!there || matched.contains(c.name)) result.push_back(c);
    }
    return result;
}

struct Wanted {
    std::map<std::string, Pick> picks;      // by container name
    std::map<std::string, double> weights;  // by service_key: the largest of its entries
};

void note(Wanted& wanted, const Target& target, const Container& container) {
    auto& pick = wanted.picks[container.name];
    pick.name = container.name;
    pick.service = container.service();
    pick.project = container.project();
    pick.container_id = container.id;
    if (target.service) pick.via.push_back(*target.service);
    auto& weight = wanted.weights[service_key(pick.project, pick.service)];
    weight = std::max(weight, target.weight);
}

using Serving = std::map<std::string, std::set<std::string>>;  // names by service

// The containers that serve, besides those chosen already.
Serving serving(const std::vector<Container>& population, const std::vector<Chosen>& chosen,
                const safety::Policy& policy) {
    Serving names;
    for (const auto& container : population) {
        if (was_chosen(chosen, container) || !safety::serves(policy, container)) continue;
        names[service_key(container)].insert(container.name);
    }
    return names;
}

using Sizes = std::map<std::string, std::size_t>;  // containers by service

Sizes sizes_of(const std::vector<Container>& population) {
    Sizes sizes;
    for (const auto& container : population) ++sizes[service_key(container)];
    return sizes;
}

// Whom the policy spares now: the only container of its service stays the only one.
bool may_be_later(const safety::Policy& policy, const Container& container, const Sizes& sizes) {
    const auto key = service_key(container);
    const auto size = sizes.find(key);
    return policy.rested.contains(key) || (size != sizes.end() && size->second > 1);
}

// Of what a critical service needs one container that serves is left alone.
void leave_one(std::vector<Pick>& picks, Serving left, const std::vector<Chosen>& chosen,
               const safety::Policy& policy) {
    std::erase_if(picks, [&](const Pick& pick) {
        const bool before = std::ranges::find(chosen, pick.name, &Chosen::name) != chosen.end();
        const auto key = service_key(pick.project, pick.service);
        if (before || !safety::keeps_one(policy, key)) return false;
        auto& names = left[key];
        if (names.size() - names.count(pick.name) == 0) return true;
        names.erase(pick.name);
        return false;
    });
}

}  // namespace

Selection select(const Spec& spec, std::uint64_t seed, const std::vector<Container>& population,
                 const std::vector<Chosen>& chosen, const safety::Policy& policy) {
    Selection selection;
    const bool safe = spec.safety.safe_mode;
    Wanted wanted;
    std::set<std::string> matched;
    std::set<std::string> matched_services;
    std::map<std::string, std::string> spared;
    std::set<std::string> down;
    // Counting takes a look at everybody, so it is left where nobody is spared for now only.
    const bool providers = safe && !policy.safety.critical_services.empty();
    const auto serve = providers ? serving(population, chosen, policy) : Serving{};
    const auto sizes = providers ? sizes_of(population) : Sizes{};
    const auto others = [&](const Container& container) -> std::size_t {
        const auto it = serve.find(service_key(container));
        return it == serve.end() ? 0 : it->second.size() - it->second.count(container.name);
    };
    const bool frozen = spec.targeting == Targeting::kStatic && !chosen.empty();
    for (std::size_t i = 0; i < spec.targets.size(); ++i) {
        const auto& target = spec.targets[i];
        if (target.weight <= 0) continue;  // weight 0 switches an entry off
        Members members;
        for (const auto& container : population) {
            if (!matches(target, container)) continue;
            auto why = safety::why_spared(policy, container, safe);
            if (!why && !was_chosen(chosen, container)) {
                why = safety::why_spared_now(policy, container, safe, others(container));
                if (why && may_be_later(policy, container, sizes)) {
                    selection.later = "container " + container.name + ": " + *why;
                }
            }
            if (why) {
                spared.emplace(container.name, std::move(*why));
                continue;
            }
            members.push_back(&container);
            if (!container.running()) down.insert(container.name);
            matched.insert(container.name);
            matched_services.insert(service_key(container.project(), container.service()));
        }
        const std::string purpose = "target/" + std::to_string(i);
        const auto count = quota(target, members.size(), spec.safety.at_least_one, seed, purpose);
        for (const auto* member : choose(target, members, count, frozen, chosen, seed, purpose)) {
            note(wanted, target, *member);
        }
    }
    selection.matched = matched.size();
    selection.matched_services = matched_services.size();
    selection.service_cap = service_cap(spec.safety, matched_services.size());
    const auto allowed = allowed_services(wanted.weights, selection.service_cap,
                                          counted(chosen, population, matched), seed,
                                          safe ? &policy : nullptr, selection.later);
    for (auto& [name, pick] : wanted.picks) {
        if (allowed.contains(service_key(pick.project, pick.service)))
            selection.picks.push_back(std::move(pick));
    }
    if (providers) {
        leave_one(selection.picks, serve, chosen, policy);
    }
    for (auto& [name, why] : spared) selection.spared.push_back({name, std::move(why)});
    selection.down.assign(down.begin(), down.end());
    return selection;
}

}  // namespace chaos::run
