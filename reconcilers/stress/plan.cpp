#include "reconcilers/stress/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace chaos::stress {
namespace {

std::unexpected<Error> refuse(std::string why) { return fail(ErrorCode::kInvalid, std::move(why)); }

std::string percent(double share) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g %%", share * 100);
    return text.data();
}

Result<> plan_cpu(const CpuStress& cpu, const Facts& facts, Orders& orders) {
    const double allowed = cpus_allowed(facts.limits, facts.cpus);
    orders.cpu_load = cpu.load / 100;
    orders.cpu_workers = cpu.workers.value_or(0);
    const double wanted = orders.cpu_load * allowed;
    if (cpu.workers && wanted > *cpu.workers + 1e-6) {
        const auto needed = static_cast<int>(std::ceil(wanted - 1e-6));
        return refuse("cpu: " + percent(orders.cpu_load) + " of the container's CPU time takes " +
                      std::to_string(needed) +
                      " workers, found workers: " + std::to_string(*cpu.workers));
    }
    return {};
}

std::uint64_t host_room(const Facts& facts) {
    return most_of(facts.host_memory, facts.held_memory);
}

Result<> check_memory(std::uint64_t wanted, const Facts& facts) {
    const auto room = host_room(facts);
    if (wanted <= room) return {};
    return refuse("memory: " + humanize_bytes(wanted) + " would take the host above " +
                  percent(kHostMemoryShare) + " of its memory; " + humanize_bytes(room) +
                  " are left" +
                  (facts.limits.memory ? "" : ", and the container has no memory limit"));
}

// Without a limit of its own, or with one that the host cannot fill, a container that is out of
// memory is a host that is: then it must be the stressor that dies.
Result<> check_oom_score_adj(const MemoryStress& memory, const Facts& facts) {
    const auto& limit = facts.limits.memory;
    if (memory.oom_score_adj >= 1000 || (limit && *limit <= host_room(facts))) return {};
    return refuse("memory: oom_score_adj " + std::to_string(memory.oom_score_adj) +
                  " needs a memory limit of the container that the host can spare (" +
                  humanize_bytes(host_room(facts)) + " are left), found " +
                  (limit ? humanize_bytes(*limit) : "none") +
                  "; the kernel would end other processes of the host");
}

Result<> plan_memory(const MemoryStress& memory, const Facts& facts, Orders& orders) {
    orders.memory_ramp_ns = memory.ramp.count();
    orders.memory_bytes = memory.size.value_or(0);
    orders.memory_share = memory.size ? 0 : memory.percent.value_or(0) / 100;
    const auto& limit = facts.limits.memory;
    if (auto ok = check_oom_score_adj(memory, facts); !ok) return ok;
    if (memory.size) {
        if (limit && *memory.size > *limit) {
            return refuse("memory: size " + humanize_bytes(*memory.size) +
                          " is more than the container's limit of " + humanize_bytes(*limit));
        }
        return check_memory(*memory.size, facts);
    }
    const std::vector<Level> whole{level_of(facts.host_memory)};
    return check_memory(
        goal_of_share(orders.memory_share, limit ? facts.memory : whole, facts.held_memory), facts);
}

std::uint64_t disk_room(const Facts& facts, std::uint64_t held) {
    const auto& space = *facts.space;
    const auto room = room_of({space.total, space.free + held});
    return room > 0 ? static_cast<std::uint64_t>(room) : 0;
}

Result<> check_space(std::uint64_t wanted, std::uint64_t held, const Facts& facts) {
    if (!facts.space) return refuse("the file system cannot be told");
    const auto& space = *facts.space;
    const auto most = disk_room(facts, held);
    if (wanted <= most) return {};
    return refuse(humanize_bytes(wanted) + " would leave less than " + percent(kDiskFreeShare) +
                  " of the file system free (" + humanize_bytes(space.total) + ", " +
                  humanize_bytes(space.free + held) + " free); at most " + humanize_bytes(most));
}

Result<> plan_io(const IoStress& io, const Facts& facts, Orders& orders) {
    orders.io_workers = io.workers;
    orders.io_bytes = io.size;
    const auto before = facts.in_force.value_or(Orders{});
    return check_space(io.size * static_cast<std::uint64_t>(io.workers),
                       before.io_bytes * static_cast<std::uint64_t>(before.io_workers), facts);
}

Result<> plan_fill(const DiskFill& fill, const Facts& facts, Orders& orders) {
    if (!facts.space) return check_space(0, 0, facts);
    if (fill.size) {
        orders.fill_bytes = *fill.size;
    } else {
        orders.fill_share = fill.percent.value_or(0) / 100;
        const auto free = facts.space->free + facts.held_space;
        // What was free at the start does not change with what is filled since.
        const bool same = facts.in_force && facts.in_force->fill_share == orders.fill_share;
        // Of that the file system keeps what it needs, so that a share of 95 % is no mistake.
        orders.fill_bytes =
            same ? facts.in_force->fill_bytes
                 : std::min(share_of(orders.fill_share, free), disk_room(facts, facts.held_space));
        if (orders.fill_bytes > 0) return {};
        return check_space(1, facts.held_space, facts);
    }
    return check_space(orders.fill_bytes, facts.held_space, facts);
}

// The kernel counts a stack of its own and some more for each thread.
Result<> check_memory_of_pids(std::uint64_t count, const Facts& facts) {
    constexpr std::uint64_t kEach = 32U << 10U;
    const auto needed = count * kEach;
    const auto& limit = facts.limits.memory;
    if (limit && needed > *limit / 2) {
        return refuse(std::to_string(count) + " processes take some " + humanize_bytes(needed) +
                      ", more than half of the container's memory limit "
                      "of " +
                      humanize_bytes(*limit));
    }
    return check_memory(needed, facts);
}

Result<> plan_pids(const PidStress& pids, const Facts& facts, Orders& orders) {
    std::uint64_t wanted = 0;
    if (pids.count) {
        orders.pids_count = static_cast<std::uint32_t>(*pids.count);
        const auto& limit = facts.limits.pids;
        if (limit && orders.pids_count > *limit) {
            return refuse("count " + std::to_string(orders.pids_count) +
                          " is more than the container's limit of " + std::to_string(*limit) +
                          " processes");
        }
        wanted = orders.pids_count;
    } else if (!facts.limits.pids) {
        return refuse(
            "percent is of the container's limit of processes, and it has none "
            "(docker run --pids-limit); count works without");
    } else {
        orders.pids_share = pids.percent.value_or(0) / 100;
        wanted = goal_of_share(orders.pids_share, facts.pids, facts.held_pids);
    }
    if (auto ok = check_memory_of_pids(wanted, facts); !ok) return ok;
    const auto& host = facts.host_pids;
    const auto room = most_of(host, facts.held_pids);
    if (wanted > room) {
        return refuse(std::to_string(wanted) +
                      " processes would take the host "
                      "above " +
                      percent(kHostPidsShare) + " of its limit of " + std::to_string(host.limit) +
                      "; " + std::to_string(room) + " are left");
    }
    return {};
}

}  // namespace

std::string directory_of(const StressFault& fault) {
    if (fault.io) return fault.io->path;
    return fault.fill ? fault.fill->path : std::string{};
}

Result<Orders> plan(const StressFault& fault, const Facts& facts) {
    Orders orders;
    Result<> ok;
    const auto take = [&](Result<> planned) {
        if (ok && !planned) ok = std::move(planned);
    };
    if (fault.cpu) take(plan_cpu(*fault.cpu, facts, orders));
    if (fault.memory) take(plan_memory(*fault.memory, facts, orders));
    if (fault.io) take(plan_io(*fault.io, facts, orders));
    if (fault.fill) take(plan_fill(*fault.fill, facts, orders));
    if (fault.pids) take(plan_pids(*fault.pids, facts, orders));
    if (facts.in_force) orders.ends_at_ns = facts.in_force->ends_at_ns;
    // What was granted goes on: where the host has less left by now, the stressor holds back.
    if (!ok && facts.in_force != orders) return std::unexpected(ok.error());
    return orders;
}

std::string humanize_bytes(std::uint64_t bytes) {
    constexpr std::array kUnits{"", "Ki", "Mi", "Gi", "Ti"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g%s", value, kUnits[unit]);
    return text.data();
}

}  // namespace chaos::stress
