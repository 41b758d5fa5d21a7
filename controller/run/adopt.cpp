#include "controller/run/adopt.h"

#include <algorithm>
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
    std::set<std::string_view> wanted;
    for (const auto& fault : desired) wanted.insert(fault.id);
    std::vector<FaultRecord*> orphans;
    std::set<std::string_view> recorded;
    for (auto& record : records) {
        recorded.insert(record.id);
        if (!wanted.contains(record.id)) orphans.push_back(&record);
    }
    for (const auto& fault : desired) {
        if (orphans.empty()) return;
        if (recorded.contains(fault.id)) continue;
        const auto it = std::ranges::find_if(
            orphans, [&](const auto* record) { return same_but_for_its_name(*record, fault); });
        if (it == orphans.end()) continue;
        (*it)->id = fault.id;
        orphans.erase(it);
    }
}

}  // namespace chaos::run
