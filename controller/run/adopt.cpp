#include "controller/run/adopt.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace chaos::run {
namespace {

// "container_kill/2" of "scenario/0:container_kill/2@container": type and repetition.
std::string_view kind_of(std::string_view id) {
    id = id.substr(0, id.rfind('@'));
    return id.substr(id.rfind(':') + 1);
}

bool same_but_for_its_name(const FaultRecord& record, const DesiredFault& fault) {
    return record.target == fault.target && record.spec == fault.fault &&
           kind_of(record.id) == kind_of(fault.id);
}

}  // namespace

void adopt(std::vector<FaultRecord>& records, const std::vector<DesiredFault>& desired) {
    std::map<std::string_view, const DesiredFault*> wanted;
    for (const auto& fault : desired) wanted[fault.id] = &fault;
    // Records that the fault of their id is not the same as any more: they may be another's.
    std::vector<FaultRecord*> loose;
    std::set<std::string> recorded;  // not views: ids change below
    for (auto& record : records) {
        recorded.insert(record.id);
        const auto it = wanted.find(record.id);
        if (it == wanted.end() || !same_but_for_its_name(record, *it->second)) {
            loose.push_back(&record);
        }
    }
    // A record that moves frees its id for another: until none moves any more.
    for (bool moved = true; moved && !loose.empty();) {
        moved = false;
        for (const auto& fault : desired) {
            if (recorded.contains(fault.id)) continue;
            const auto it = std::ranges::find_if(
                loose, [&](const auto* record) { return same_but_for_its_name(*record, fault); });
            if (it == loose.end()) continue;
            recorded.erase((*it)->id);
            recorded.insert(fault.id);
            (*it)->id = fault.id;
            loose.erase(it);
            moved = true;
        }
    }
}

}  // namespace chaos::run
