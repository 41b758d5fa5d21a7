// What a live edit does to faults that are in force or have fired.
#include "controller/run/adopt.h"
#include "controller/run/lifecycle.h"
#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

TEST_CASE("Renaming a scenario fires no kill again and leaves no gap in a pause") {
    auto s = sim(spec({service("web")}, {action(ContainerKill{}), action(ContainerPause{}, 5min)}),
                 {container("web")});
    s.settle();
    s.start("web");
    s.now += 1s;
    s.settle();
    const auto before = s.done;
    s.spec.scenarios[0].name = "renamed";
    s.now += 1s;
    s.settle();
    CHECK(s.done == before);
    CHECK(s.run.faults.size() == 2);
    CHECK(s.run.find_fault("renamed/1:container_pause@web")->state == FaultState::kInjected);
}

TEST_CASE("An action put before the others takes nothing from them") {
    auto s = sim(spec({service("web")}, {action(ContainerPause{}, 5min)}), {container("web")});
    s.spec.scenarios[0].order = Order::kParallel;
    s.settle();
    auto later = action(ContainerStop{1s}, 1min);
    later.start_after = 9min;
    s.spec.scenarios[0].actions.insert(s.spec.scenarios[0].actions.begin(), later);
    s.now += 1s;
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web"});
    CHECK(s.run.faults.size() == 1);
}

TEST_CASE("Only a fault with the same target, parameters and repetition is the same") {
    const FaultRecord record{
        .id = "old/0:container_kill/1@web", .spec = ContainerKill{}, .target = "web"};
    const auto wanted = [](std::string id, FaultSpec fault, std::string target) {
        return DesiredFault{std::move(id), fault, std::move(target), "", kT0, kT0 + 1min};
    };
    const auto adopted = [&](const DesiredFault& fault) {
        std::vector records{record};
        adopt(records, {fault});
        return records[0].id == fault.id;
    };
    CHECK(adopted(wanted("new/0:container_kill/1@web", ContainerKill{}, "web")));
    CHECK_FALSE(adopted(wanted("new/0:container_kill/2@web", ContainerKill{}, "web")));
    CHECK_FALSE(adopted(wanted("new/0:container_kill/1@api", ContainerKill{}, "api")));
    CHECK_FALSE(adopted(wanted("new/0:container_kill/1@web", ContainerKill{.signal = 15}, "web")));
}

TEST_CASE("Two pauses that overlap on a target are one") {
    auto s = sim(
        spec({service("web")}, {action(ContainerPause{}, 1min), action(ContainerPause{}, 2min)}),
        {container("web")});
    s.spec.scenarios[0].order = Order::kParallel;
    s.settle();
    s.now = kT0 + 1min;
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web"});
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("Who joins during a run is not hit by what was over, also after a pause") {
    auto kills = action(ContainerKill{});
    kills.repeat = Repeat{2, 5min};
    auto s = sim(spec({service("w*")}, {kills}), {container("w1")});
    s.spec.targets[0].mode = Mode::kAll;
    s.settle();
    s.start("w1");
    s.now += 1s;
    s.settle();
    s.containers.push_back(container("w2"));
    s.now += 1s;
    s.settle();
    s.paused = true;
    s.settle();
    s.now += 1min;
    s.paused = false;
    s.settle();
    CHECK(s.done == Lines{"inject container_kill w1"});
}

TEST_CASE("What waits before the first fault, or is paused before it, does not shorten the run") {
    auto pause = action(ContainerPause{});
    pause.start_after = 20s;
    auto s = sim(spec({service("web")}, {pause}, 1min), {container("web")});
    s.settle();
    s.now = kT0 + 10s;
    s.paused = true;
    s.settle();
    s.now = kT0 + 40s;
    s.paused = false;
    s.settle();
    s.now = kT0 + 50s;
    s.settle();
    CHECK(s.run.start_time == kT0 + 50s);
    CHECK(s.run.deadline == kT0 + 110s);
    s.now = kT0 + 109s;
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web"});
    s.now = kT0 + 110s;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
}

TEST_CASE("An action put before one of its kind is the one that fires") {
    auto s =
        sim(spec({service("web")}, {action(ContainerKill{.signal = 15}), action(ContainerPause{})}),
            {container("web")});
    s.spec.scenarios[0].order = Order::kParallel;
    s.settle();
    s.start("web");
    s.now += 1s;
    s.settle();
    auto& actions = s.spec.scenarios[0].actions;
    actions.insert(actions.begin(), action(ContainerRestart{}));
    actions.insert(actions.begin(), action(ContainerKill{.signal = 9}));
    s.now += 1s;
    s.start("web");
    s.done.clear();
    s.step();
    CHECK(std::ranges::count(s.done, "inject container_kill web") == 1);
    CHECK(s.run.find_fault("s/2:container_kill/0@web")->injected_at == kT0);
}

TEST_CASE("While a run is paused, and while the controller stops, nothing is given up") {
    auto s = kill_sim();
    s.inject_error = Error{ErrorCode::kNotFound, "no process matches"};
    s.step();
    s.inject_error.reset();
    const bool by_stopping = GENERATE(true, false);
    s.stopping = by_stopping;
    s.paused = !by_stopping;
    s.now += 10s;
    s.settle();
    CHECK_FALSE(s.run.finished());
    s.stopping = s.paused = false;
    s.settle();
    CHECK(s.run.faults[0].state == FaultState::kFired);
}

TEST_CASE("An edit to another target undoes the one and hits the other, in the same cap") {
    auto s =
        sim(spec({service("a")}, {action(ContainerPause{})}), {container("a"), container("b")});
    s.settle();
    s.spec.targets = {service("b")};
    s.now += 1s;
    s.settle();
    CHECK(s.done ==
          Lines{"inject container_pause a", "undo container_pause a", "inject container_pause b"});
    CHECK_FALSE(s.run.finished());
    s.spec.targets = {service("nobody")};
    s.settle();
    CHECK(s.run.phase == Phase::kFailed);
    CHECK(s.run.reason == "NoTargets");
}

TEST_CASE("While the clock stands there is no deadline") {
    auto s = pause_sim();
    s.settle();
    s.paused = true;
    s.settle();
    CHECK_FALSE(s.run.deadline);
    s.now += 1min;
    s.paused = false;
    s.settle();
    CHECK(s.run.deadline == kT0 + 11min);
}

TEST_CASE("Of two that have fired and that an edit moves on, neither fires again") {
    std::vector<FaultRecord> records{
        {.id = "s/0:container_kill/0@web", .spec = ContainerKill{.signal = 15}, .target = "web"},
        {.id = "s/1:container_kill/0@web", .spec = ContainerKill{.signal = 9}, .target = "web"}};
    const auto wanted = [](int index, int signal) {
        return DesiredFault{"s/" + std::to_string(index) + ":container_kill/0@web",
                            ContainerKill{.signal = signal},
                            "web",
                            "",
                            kT0,
                            kT0 + 1min};
    };
    adopt(records, {wanted(0, 2), wanted(1, 15), wanted(2, 9)});
    CHECK(records[0].id == "s/1:container_kill/0@web");
    CHECK(records[1].id == "s/2:container_kill/0@web");
}

TEST_CASE("An edit while targets recover changes nothing of what the run was") {
    auto s = kill_sim();
    s.settle();
    s.spec.targets = {service("other")};
    s.now += 1s;
    s.start("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.verdict == Verdict::kPass);
}
