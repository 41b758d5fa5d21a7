// What a stress fault asks of its stressor, and what is refused.
#include "reconcilers/stress/plan.h"

#include "reconcilers/stress/directory.h"
#include "reconcilers/stress/evidence.h"
#include "reconcilers/stressor/memory.h"
#include "reconcilers/stressor/pids.h"
#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::stress;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMi = 1U << 20U;
constexpr std::uint64_t kGi = 1U << 30U;

Facts roomy() {
    return {.limits = {.cpus = 1.5, .memory = 256 * kMi, .pids = 100},
            .cpus = 4,
            .memory = {{256 * kMi, 10 * kMi}},
            .pids = {{100, 5}},
            .host_memory = {16 * kGi, 12 * kGi},
            .host_pids = {30'000, 500},
            .space = Space{100 * kGi, 50 * kGi}};
}

StressFault cpu(CpuStress part) { return {.action = StressAction::kCpu, .cpu = part}; }
StressFault memory(MemoryStress part) { return {.action = StressAction::kMemory, .memory = part}; }
StressFault fill(DiskFill part) { return {.action = StressAction::kDiskFill, .fill = part}; }
StressFault pids(PidStress part) { return {.action = StressAction::kPids, .pids = part}; }

std::string refusal(const StressFault& fault, const Facts& facts) {
    const auto orders = plan(fault, facts);
    return orders ? "" : orders.error().context;
}

}  // namespace

TEST_CASE("What is asked for becomes orders") {
    CHECK(plan(cpu({80, {}}), roomy()) == Orders{.cpu_load = 0.8});
    CHECK(plan(cpu({80, 2}), roomy()) == Orders{.cpu_load = 0.8, .cpu_workers = 2});
    CHECK(plan(memory({.percent = 75, .ramp = 2s}), roomy()) ==
          Orders{.memory_share = 0.75, .memory_ramp_ns = 2'000'000'000});
    CHECK(plan(memory({.size = kMi}), roomy()) == Orders{.memory_bytes = kMi});
    CHECK(plan(fill({.size = kGi}), roomy()) == Orders{.fill_bytes = kGi});
    CHECK(plan(fill({.percent = 50}), roomy()) ==
          Orders{.fill_share = 0.5, .fill_bytes = 25 * kGi});
    CHECK(plan(pids({.percent = 50}), roomy()) == Orders{.pids_share = 0.5});
    CHECK(plan(pids({.count = 9}), roomy()) == Orders{.pids_count = 9});
}

TEST_CASE("A share of the free space stays what it was when the fault is changed in place") {
    auto facts = roomy();
    facts.in_force = Orders{.fill_share = 0.5, .fill_bytes = 7 * kGi};
    facts.held_space = 7 * kGi;
    CHECK(plan(fill({.percent = 50}), facts)->fill_bytes == 7 * kGi);
    CHECK(plan(fill({.percent = 10}), facts)->fill_bytes == (57 * kGi) / 10);
}

TEST_CASE("Fewer workers than the load takes are refused") {
    CHECK(refusal(cpu({80, 1}), roomy()) ==
          "cpu: 80 % of the container's CPU time takes 2 workers, found workers: 1");
    auto unlimited = roomy();
    unlimited.limits.cpus.reset();
    CHECK_THAT(refusal(cpu({100, 3}), unlimited), Catch::Contains("takes 4 workers"));
    CHECK(refusal(cpu({75, 3}), unlimited).empty());
}

TEST_CASE("Memory is refused above the container's limit and above what the host can spare") {
    CHECK(refusal(memory({.size = 300 * kMi}), roomy()) ==
          "memory: size 300Mi is more than the container's limit of 256Mi");
    auto unlimited = roomy();
    unlimited.limits.memory.reset();
    CHECK(refusal(memory({.percent = 60}), unlimited).empty());
    CHECK(refusal(memory({.percent = 98}), unlimited) ==
          "memory: 11.68Gi would take the host above 90 % of its memory; 10.4Gi are left, and the "
          "container has no memory limit");
    auto scarce = roomy();
    scarce.host_memory.available = 2 * kGi;
    CHECK_FALSE(refusal(memory({.size = 500 * kMi}), scarce).empty());
    // What the stressor holds already is its own to hold.
    scarce.held_memory = kGi;
    scarce.limits.memory = 4 * kGi;
    CHECK(refusal(memory({.size = kGi}), scarce).empty());
}

TEST_CASE("A share of the free space leaves the file system what it needs") {
    // 50 of 100 Gi are free, 5 stay so.
    CHECK(plan(fill({.percent = 95}), roomy())->fill_bytes == 45 * kGi);
    auto facts = roomy();
    facts.space = Space{100 * kGi, 5 * kGi};
    CHECK_THAT(refusal(fill({.percent = 10}), facts), Catch::Contains("less than 5 %"));
}

TEST_CASE("What was granted goes on where the host has less left by now") {
    auto facts = roomy();
    facts.host_memory = {16 * kGi, kGi};
    CHECK_FALSE(refusal(memory({.size = 2 * kGi}), facts).empty());
    facts.limits.memory = 4 * kGi;
    facts.in_force = Orders{.ends_at_ns = 7, .memory_bytes = 2 * kGi};
    CHECK(plan(memory({.size = 2 * kGi}), facts) == *facts.in_force);
    CHECK_FALSE(refusal(memory({.size = 3 * kGi}), facts).empty());
}

TEST_CASE("Disk space is refused where the file system would be left with less than 5 %") {
    CHECK(refusal(fill({.size = 46 * kGi}), roomy()) ==
          "46Gi would leave less than 5 % of the file system free (100Gi, 50Gi free); "
          "at most 45Gi");
    CHECK(refusal(fill({.size = 45 * kGi}), roomy()).empty());
    const StressFault io{.action = StressAction::kIo, .io = IoStress{100, kGi, "/"}};
    CHECK_THAT(refusal(io, roomy()), Catch::StartsWith("100Gi would leave less than"));
}

TEST_CASE("Processes are refused without a limit to be a share of, and beyond the host's") {
    auto facts = roomy();
    facts.limits.pids.reset();
    CHECK_THAT(refusal(pids({.percent = 50}), facts), Catch::Contains("--pids-limit"));
    facts.limits.memory.reset();
    CHECK(refusal(pids({.count = 26'500}), facts).empty());
    CHECK_THAT(refusal(pids({.count = 26'501}), facts), Catch::Contains("26500 are left"));
}

TEST_CASE("Nobody but the stressor is put at risk where the container has no limit of its own") {
    CHECK(refusal(memory({.size = kMi, .oom_score_adj = 0}), roomy()).empty());
    auto unlimited = roomy();
    unlimited.limits.memory.reset();
    CHECK_THAT(
        refusal(memory({.size = kMi, .oom_score_adj = 0}), unlimited),
        Catch::Contains("needs a memory limit of the container") && Catch::Contains("found none"));
    CHECK(refusal(memory({.size = kMi}), unlimited).empty());
    auto large = roomy();
    large.limits.memory = 20 * kGi;
    CHECK_THAT(refusal(memory({.size = kMi, .oom_score_adj = -1000}), large),
               Catch::Contains("found 20Gi"));
}

TEST_CASE("More processes than the container's limit are refused") {
    CHECK(refusal(pids({.count = 100}), roomy()).empty());
    CHECK(refusal(pids({.count = 101}), roomy()) ==
          "count 101 is more than the container's limit of 100 processes");
}

TEST_CASE("The memory that processes take is counted") {
    auto facts = roomy();
    facts.limits.pids.reset();
    CHECK_THAT(refusal(pids({.count = 5000}), facts),
               Catch::Contains("more than half of the container's memory limit of 256Mi"));
}

TEST_CASE("A share is of every level's limit, whoever else uses it") {
    CHECK(goal_of_share(0.5, {{100, 30}}, 0) == 20);
    CHECK(goal_of_share(0.5, {{100, 30}}, 10) == 30);
    CHECK(goal_of_share(0.5, {{100, 30}, {200, 90}}, 10) == 20);
    CHECK(goal_of_share(0.5, {{100, 30}, {200, 190}}, 10) == 0);
    CHECK(goal_of_share(0.5, {}, 10) == 0);
}

TEST_CASE("Memory is brought up to a share in all, and follows the container's own use") {
    using stressor::memory_goal;
    const Orders share{.memory_share = 0.75};
    const HostMemory host{16 * kGi, 12 * kGi};
    const auto goal = [&](const Orders& orders, std::uint64_t held, std::uint64_t used) {
        return memory_goal(orders, {held, {{100 * kMi, used}}, host}).bytes;
    };
    CHECK(goal(share, 0, 20 * kMi) == 55 * kMi);
    CHECK(goal(share, 55 * kMi, 95 * kMi) == 35 * kMi);  // the container's own went up by 20
    CHECK(goal(share, 55 * kMi, 255 * kMi) == 0);
    CHECK(goal({.memory_bytes = 40 * kMi}, 0, 90 * kMi) == 40 * kMi);
    CHECK(goal({.memory_bytes = 400 * kMi}, 0, 0) == 100 * kMi);
    CHECK(memory_goal({.memory_share = 0.5}, {0, {}, host}).bytes == 4 * kGi);
}

TEST_CASE("Memory is given back before the host is short of it") {
    using stressor::memory_goal;
    const stressor::MemoryFacts facts{
        .held = 2 * kGi, .levels = {{8 * kGi, 2 * kGi}}, .host = {10 * kGi, kGi / 2}};
    const auto goal = memory_goal({.memory_bytes = 4 * kGi}, facts);
    CHECK(goal.held_back);
    CHECK(goal.bytes == 2 * kGi + kGi / 2 - kGi);
}

TEST_CASE("Processes are brought up to a share in all, and leave the host some") {
    using stressor::pid_goal;
    const HostPids host{1000, 500};
    CHECK(pid_goal({.pids_share = 0.5}, {.held = 10, .levels = {{100, 15}}, .host = host}).count ==
          45);
    CHECK(pid_goal({.pids_count = 7}, {.host = host}).count == 7);
    const auto most = pid_goal({.pids_count = 900}, {.host = host});
    CHECK(most.count == 400);
    CHECK(most.held_back);
}

TEST_CASE("A mount is the container's own, or its files go elsewhere") {
    const std::string mounts =
        "100 90 0:50 / / rw,relatime - overlay overlay rw\n"
        "101 100 8:1 /var/lib/docker/volumes/data/_data /data rw - ext4 /dev/sda1 rw\n"
        "102 100 8:1 /srv/www /www rw - ext4 /dev/sda1 rw\n"
        "103 100 0:60 / /dev/shm rw - tmpfs shm rw\n"
        "104 100 8:1 /volumes/ro/_data /ro ro,relatime - ext4 /dev/sda1 rw\n"
        "105 100 8:1 /home/volumes/_data /x rw - ext4 /dev/sda1 rw\n";
    CHECK(why_not_there(mounts, 100).empty());
    CHECK(why_not_there(mounts, 101).empty());
    CHECK_THAT(
        why_not_there(mounts, 102),
        Catch::Contains("outside the container's own file systems: a directory of the host"));
    CHECK_THAT(why_not_there(mounts, 103), Catch::Contains("in memory"));
    CHECK_THAT(why_not_there(mounts, 104), Catch::Contains("read-only"));
    CHECK_THAT(why_not_there(mounts, 105), Catch::Contains("outside"));
    CHECK_FALSE(why_not_there(mounts, 106).empty());
    CHECK_FALSE(why_not_there("", 100).empty());
}

TEST_CASE("An effect is claimed only once everything that was asked for has shown") {
    const StressFault both{.action = StressAction::kCombined,
                           .cpu = CpuStress{80, {}},
                           .memory = MemoryStress{.percent = 50}};
    const Orders orders{.cpu_load = 0.8, .memory_share = 0.5};
    Look before{.at = TimePoint{10s}};
    before.usage.cpu_ns = 1'000'000'000;
    auto now = before;
    now.at += 2s;
    now.limits = {.cpus = 0.5, .memory = 100 * kMi, .pids = {}};
    now.usage.memory = 50 * kMi;
    now.usage.oom_kills = 1;
    auto evidence = evidence_of(both, orders, before, before, now);
    CHECK_FALSE(evidence.contains("effect"));
    now.usage.cpu_ns = 1'800'000'000;
    now.held.memory = 40 * kMi;
    now.held.memory_goal = 41 * kMi;
    // The container itself may have used that time.
    CHECK_FALSE(evidence_of(both, orders, before, before, now).contains("effect"));
    now.held.cpu_ns = 700'000'000;
    now.held.memory = 4 * kMi;
    CHECK_FALSE(evidence_of(both, orders, before, before, now).contains("effect"));
    now.held.memory = 40 * kMi;
    evidence = evidence_of(both, orders, before, before, now);
    CHECK(evidence.at("effect") == "seen");
    CHECK(evidence.at("cpu_percent") == "80.0");
    CHECK(evidence.at("memory_percent") == "50.0");
    CHECK(evidence.at("oom_kills") == "1");
    now.held.memory_error = "held back: the host needs the rest of its memory";
    evidence = evidence_of(both, orders, before, before, now);
    CHECK(evidence.at("memory_note") == now.held.memory_error);
    CHECK_FALSE(evidence.contains("effect"));
}

TEST_CASE("Counts go on from an earlier stressor of the same fault") {
    Look first;
    first.usage.oom_kills = 5;
    first.usage.written = 7;
    add_earlier(first, {{"oom_kills", "2"}, {"bytes_written", "9"}, {"bytes_read", "x"}});
    CHECK(first.usage.oom_kills == 3);
    CHECK(first.usage.written == 0);
    CHECK_FALSE(first.usage.read);
}
