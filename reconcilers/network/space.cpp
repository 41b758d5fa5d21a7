#include "reconcilers/network/space.h"

#include <algorithm>
#include <charconv>

#include "reconcilers/network/combine.h"

namespace chaos::network {
namespace {

// "scenario/0:network_latency" of "scenario/0:network_latency@web-1".
std::string action_of(const FaultRecord& record) {
    return record.id.substr(0, record.id.rfind('@'));
}

const NetworkFault& fault_of(const FaultRecord& record) {
    return std::get<NetworkFault>(record.spec);
}

// The slots of faults that need a class come first: see kMaxSteering.
bool fits(int slot, const NetworkFault& fault) {
    return slot >= 1 && (slot <= kMaxSteering) == needs_class(fault);
}

int former_slot(const FaultRecord& record) {
    int slot = 0;
    const auto it = record.evidence.find("slot");
    if (it == record.evidence.end()) return 0;
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), slot);
    return slot;
}

}  // namespace

TimePoint Space::Group::ends_at() const {
    return std::ranges::max(members, {}, &Member::ends_at).ends_at;
}

bool Space::has(const Group& group, const FaultRecord& record) {
    return std::ranges::find(group.members, record.uid, &Member::uid) != group.members.end();
}

std::vector<Space::Group>::iterator Space::find(const FaultRecord& record) {
    return std::ranges::find_if(groups_, [&](const Group& group) { return has(group, record); });
}

// The same action's fault on another container that shares the namespace.
std::vector<Space::Group>::iterator Space::find_kin(const FaultRecord& record) {
    return std::ranges::find_if(groups_, [&](const Group& group) {
        return group.experiment == record.experiment && group.action == action_of(record) &&
               group.wanted.fault == fault_of(record) &&
               std::ranges::find(group.members, record.target, &Member::target) ==
                   group.members.end();
    });
}

std::optional<int> Space::free_slot(const FaultRecord& record) const {
    constexpr int kLast = 2000;
    const auto& fault = fault_of(record);
    const auto is_free = [&](int slot) {
        return fits(slot, fault) && std::ranges::none_of(groups_, [&](const Group& group) {
                   return group.wanted.slot == slot ||
                          (group.settled && group.settled->slot == slot);
               });
    };
    if (const int former = former_slot(record); is_free(former)) return former;
    for (int slot = 1; slot <= kLast; ++slot) {
        if (is_free(slot)) return slot;
    }
    return std::nullopt;
}

Result<int> Space::put(const FaultRecord& record, TimePoint ends_at) {
    const auto& fault = fault_of(record);
    auto group = find(record);
    const bool member = group != groups_.end();
    if (!member) group = find_kin(record);
    int slot = group != groups_.end() ? group->wanted.slot : 0;
    if (!fits(slot, fault)) {
        const auto free = free_slot(record);
        if (!free) {
            return fail(ErrorCode::kConflict, "more than " + std::to_string(kMaxSteering) +
                                                  " network faults in one namespace");
        }
        slot = *free;
    }
    const Wanted wanted{fault, record.peers, slot};
    if (group == groups_.end()) {
        // One that had its slot before is in the kernel, put there by an earlier life.
        const bool known = former_slot(record) == slot;
        groups_.push_back({record.experiment,
                           action_of(record),
                           wanted,
                           known ? std::optional{wanted} : std::nullopt,
                           {}});
        group = std::prev(groups_.end());
    }
    group->action = action_of(record);
    group->wanted = wanted;
    if (!member) group->members.push_back({record.uid, record.target, ends_at, false});
    auto& own = *std::ranges::find(group->members, record.uid, &Member::uid);
    // The two clocks are not read at the same moment: less than this is no move.
    constexpr Duration kNoMatter = std::chrono::milliseconds{20};
    if (std::chrono::abs(own.ends_at - ends_at) > kNoMatter) own.ends_at = ends_at;
    return slot;
}

bool Space::remove(const FaultRecord& record) {
    const auto group = find(record);
    if (group == groups_.end()) return false;
    std::erase_if(group->members, [&](const Member& m) { return m.uid == record.uid; });
    if (group->members.empty()) groups_.erase(group);
    return true;
}

void Space::reset(const FaultRecord& record) {
    const auto group = find(record);
    if (group == groups_.end()) return;
    const auto settled = group->settled;
    const bool was_there = std::ranges::find(group->members, record.uid, &Member::uid)->settled;
    if (settled) group->wanted = *settled;
    if (!settled || !was_there) remove(record);
}

void Space::settle(const std::vector<Active>& made, const Tree& tree) {
    for (auto& group : groups_) {
        if (tree.refused.contains(group.wanted.slot)) continue;
        // What was put since waits for the next visit.
        const bool is_made = std::ranges::any_of(made, [&](const Active& active) {
            return active.slot == group.wanted.slot && active.fault == group.wanted.fault &&
                   active.peers == group.wanted.peers;
        });
        if (!is_made) continue;
        group.settled = group.wanted;
        for (auto& member : group.members) member.settled = true;
    }
}

std::optional<int> Space::slot_of(const FaultRecord& record) const {
    const auto group =
        std::ranges::find_if(groups_, [&](const Group& g) { return has(g, record); });
    return group == groups_.end() ? std::nullopt : std::optional{group->wanted.slot};
}

std::vector<Active> Space::active(TimePoint now) const {
    std::vector<Active> faults;
    for (const auto& group : groups_) {
        const bool fresh = !group.settled || group.settled->slot != group.wanted.slot;
        faults.push_back({group.wanted.slot, group.wanted.fault, group.wanted.peers,
                          group.ends_at() - now, fresh});
    }
    std::ranges::sort(faults, {}, &Active::slot);
    return faults;
}

std::vector<std::pair<int, TimePoint>> Space::ends() const {
    std::vector<std::pair<int, TimePoint>> ends;
    for (const auto& group : groups_) ends.emplace_back(group.wanted.slot, group.ends_at());
    std::ranges::sort(ends);
    return ends;
}

}  // namespace chaos::network
