#include "reconcilers/stress/prepare.h"

#include "controller/api/clock.h"
#include "reconcilers/stress/directory.h"
#include "reconcilers/stress/evidence.h"

namespace chaos::stress {
namespace {

// What planning needs; `held`: by the stressor that runs already.
Result<Facts> gather(int pid, const Cgroup& cgroup, int directory, const Shared* held) {
    Facts facts{.limits = cgroup.limits(),
                .cpus = cpus_of(pid),
                .memory = cgroup.memory_levels(),
                .pids = cgroup.pid_levels(),
                .host_memory = host_memory(),
                .host_pids = host_pids()};
    if (directory >= 0) {
        const auto space = space_of(directory);
        if (!space) return std::unexpected(space.error());
        facts.space = *space;
    }
    if (held == nullptr) return facts;
    const auto report = held_by(held->report);
    if (const auto given = orders_of(*held)) facts.in_force = given->orders;
    facts.held_memory = report.memory;
    facts.held_space = report.fill;
    facts.held_pids = report.pids;
    return facts;
}

Result<Descriptor> directory_for(const FaultRecord& record) {
    const auto path = directory_of(fault_of(record));
    if (path.empty()) return Descriptor{};
    auto directory = open_directory(record.incarnation.pid, path);
    if (!directory) return std::unexpected(directory.error());
    return Descriptor{*directory};
}

Result<Orders> orders_with(const FaultRecord& record, const Cgroup& cgroup, int directory,
                           const Shared* held) {
    const auto facts = gather(record.incarnation.pid, cgroup, directory, held);
    if (!facts) return std::unexpected(facts.error());
    auto orders = plan(fault_of(record), *facts);
    if (orders) orders->ends_at_ns = boot_end_of(record);
    return orders;
}

}  // namespace

std::int64_t boot_end_of(const FaultRecord& record) {
    const auto left = record.ends_at.value_or(wall_now()) - wall_now();
    return (boot_now() + left).time_since_epoch().count();
}

const StressFault& fault_of(const FaultRecord& record) {
    return std::get<StressFault>(record.spec);
}

Purpose purpose_of(const FaultRecord& record) {
    return {record.uid, record.incarnation.container_id, record.incarnation.pid};
}

int oom_score_adj_of(const StressFault& fault) {
    return fault.memory ? fault.memory->oom_score_adj : MemoryStress{}.oom_score_adj;
}

std::uint64_t directory_hash(const StressFault& fault) {
    const auto path = directory_of(fault);
    return path.empty() ? 0 : hash_of(path);
}

Result<Started> start_for(const FaultRecord& record, int program, const Keeper& keeper) {
    auto cgroup = Cgroup::of(record.incarnation.pid);
    const auto directory = cgroup ? directory_for(record) : std::unexpected(cgroup.error());
    if (!directory) return std::unexpected(directory.error());
    const auto orders = orders_with(record, *cgroup, directory->get(), nullptr);
    if (!orders) return std::unexpected(orders.error());
    const auto& fault = fault_of(record);
    auto stressor = start({.program = program,
                           .purpose = purpose_of(record),
                           .oom_score_adj = oom_score_adj_of(fault),
                           .orders = *orders,
                           .directory_hash = directory_hash(fault),
                           .directory = directory->get()},
                          *cgroup, keeper);
    if (!stressor) return std::unexpected(stressor.error());
    return Started{std::move(*stressor), std::move(*cgroup)};
}

Result<> check_directory(const FaultRecord& record) {
    const auto directory = directory_for(record);
    return directory ? Result<>{} : std::unexpected(directory.error());
}

Result<Orders> orders_for(const FaultRecord& record, const Cgroup& cgroup, const Shared& held) {
    const auto directory = directory_for(record);
    if (!directory) return std::unexpected(directory.error());
    return orders_with(record, cgroup, directory->get(), &held);
}

}  // namespace chaos::stress
