// A run from its start to its end.
#include "controller/run/lifecycle.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

TEST_CASE("A kill is fired once, and the run ends when the target is healthy again") {
    auto s = kill_sim();
    s.settle();
    CHECK(s.done == Lines{"inject container_kill web"});
    CHECK(s.run.start_time == kT0);
    CHECK(s.run.deadline == kT0 + 10min);
    CHECK(s.run.phase == Phase::kRecovering);
    s.now += 300ms;
    s.start("web", Health::kStarting);
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    s.now += 1s;
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.verdict == Verdict::kPass);
    CHECK(s.run.settled);
    CHECK(s.run.targets[0].time_to_running == 300ms);
    CHECK(s.run.targets[0].time_to_healthy == 1300ms);
    CHECK(s.run.faults[0].evidence.at("exit_code") == "137");
    CHECK(s.done.size() == 1);
}

TEST_CASE("A pause of the experiment undoes its faults and stops its clock") {
    auto s = pause_sim();
    s.settle();
    s.now += 20s;
    s.paused = true;
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web", "undo container_pause web"});
    CHECK(s.run.phase == Phase::kRunning);
    CHECK(s.run.paused_since == kT0 + 20s);
    s.now += 1h;
    s.settle();
    CHECK(s.done.size() == 2);
    CHECK_FALSE(s.run.finished());
    s.paused = false;
    const auto next = s.settle();
    CHECK(s.done.back() == "inject container_pause web");
    CHECK(next == kT0 + 1h + 1min);
    CHECK(s.run.deadline == kT0 + 10min + 1h);
    s.now = *next;
    s.settle();
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("A clock that is stepped takes the run's times along") {
    for (const Duration step : {Duration{1h}, Duration{-1h}}) {
        auto s = pause_sim();
        s.settle();
        s.now += 20s + step;
        shift(s.run, step);
        const auto next = s.settle();
        CHECK(s.done.size() == 1);
        CHECK(next == kT0 + 1min + step);
        s.now = *next;
        s.settle();
        CHECK(s.done.back() == "undo container_pause web");
    }
}

TEST_CASE("The deadline ends a fault however it was planned") {
    auto s = pause_sim(10min);
    s.settle();
    s.spec.duration = 2min;  // a live edit
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
    CHECK(s.run.finished());
}

TEST_CASE("Duration counts from the first success, not from admission") {
    auto s = sim(spec({service("web")}, {action(ContainerPause{}, 1min)}), {container("web")});
    s.at("web").incarnation.reset();  // not known yet: nothing can be injected
    s.settle();
    CHECK_FALSE(s.run.start_time);
    s.now += 20s;
    s.at("web").incarnation = Incarnation{s.at("web").id, "x", 7};
    const auto next = s.settle();
    CHECK(s.run.start_time == kT0 + 20s);
    CHECK(next == kT0 + 80s);
}
