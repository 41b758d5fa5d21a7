// Stress faults in the pure core: proven soon, changed in place, not started in what is frozen.
#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

StressFault cpu(double load) {
    return {.action = StressAction::kCpu, .cpu = CpuStress{.load = load}};
}

Sim busy_sim() { return sim(spec({service("web")}, {action(cpu(80), 2min)}), {container("web")}); }

const std::string kInject = "inject cpu_stress web";
const std::string kUndo = "undo cpu_stress web";

}  // namespace

TEST_CASE("A stress fault is looked at soon, until its effect was seen, and then at intervals") {
    auto s = busy_sim();
    auto next = s.settle();
    CHECK(s.done == Lines{kInject});
    REQUIRE(next == kT0 + kFirstLook);
    s.now = *next;
    next = s.settle();
    CHECK(s.done == Lines{kInject, "observe web"});
    REQUIRE(next == s.now + kObserveInterval);
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.done.back() == kUndo);
    CHECK(s.kernel.empty());
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("Another load is given in place: it is never undone in between") {
    auto s = busy_sim();
    s.settle();
    s.now += 10s;
    std::get<StressFault>(s.spec.scenarios[0].actions[0].fault).cpu->load = 20;
    s.settle();
    REQUIRE(s.kernel.size() == 1);
    CHECK(std::get<StressFault>(s.kernel.begin()->second.spec) == cpu(20));
    CHECK(std::ranges::count(s.done, kUndo) == 0);
    CHECK(s.run.events.back().message == "changed cpu_stress on web in place");
}

TEST_CASE("A container that restarts gets its stress again, and its effect is to be seen again") {
    auto s = busy_sim();
    s.settle();
    s.now += 1s;
    s.settle();
    CHECK(s.run.faults[0].evidence.contains("effect"));
    s.die("web");
    s.settle();
    s.now += 1s;
    s.start("web");
    s.settle();
    CHECK(std::ranges::count(s.done, kInject) == 2);
    CHECK(s.run.faults[0].incarnation == *s.at("web").incarnation);
    CHECK_FALSE(s.run.faults[0].evidence.contains("effect"));
}

TEST_CASE("Nothing is started in a frozen container; what runs there stays in force") {
    auto s = busy_sim();
    s.at("web").state = ContainerState::kPaused;
    s.settle();
    CHECK(s.done.empty());
    s.at("web").state = ContainerState::kRunning;
    s.settle();
    CHECK(s.done == Lines{kInject});
    s.at("web").state = ContainerState::kPaused;
    s.now += 10s;
    s.settle();
    CHECK(s.done == Lines{kInject});
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.done.back() == kUndo);
}

TEST_CASE("Different resources combine, the same one twice is a conflict") {
    CHECK(resources_of(cpu(1)) == std::vector<std::string>{"cpu"});
    const StressFault all{.action = StressAction::kCombined,
                          .cpu = CpuStress{1, {}},
                          .memory = MemoryStress{.percent = 1},
                          .io = IoStress{}};
    CHECK(resources_of(all) == std::vector<std::string>{"cpu", "memory", "disk io"});
    const StressFault fill{.action = StressAction::kDiskFill, .fill = DiskFill{.percent = 1}};
    CHECK(resources_of(fill) == std::vector<std::string>{"disk space"});
    const StressFault pids{.action = StressAction::kPids, .pids = PidStress{.count = 1}};
    CHECK(resources_of(pids) == std::vector<std::string>{"processes"});
}

TEST_CASE("Two stress faults of one run on one container are two, whatever they overlap") {
    const StressFault memory{.action = StressAction::kMemory,
                             .memory = MemoryStress{.percent = 50}};
    auto two = spec({service("web")}, {action(cpu(80), 2min), action(memory, 1min)});
    two.scenarios[0].order = Order::kParallel;
    auto s = sim(two, {container("web")});
    s.settle();
    CHECK(s.kernel.size() == 2);
    s.now = kT0 + 1min;
    s.settle();
    REQUIRE(s.kernel.size() == 1);
    CHECK(std::get<StressFault>(s.kernel.begin()->second.spec) == cpu(80));
}
