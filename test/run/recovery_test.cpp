// How targets come back, by themselves or with help.
#include "controller/run/lifecycle.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

TEST_CASE("The health of the life that was killed does not count") {
    auto s = kill_sim();
    s.settle();
    // Docker still says healthy of the container it has not seen die.
    s.at("web").health = Health::kHealthy;
    s.settle();
    CHECK_FALSE(s.run.finished());
}

TEST_CASE("A target that does not come back in time is started, and that is a Fail") {
    auto s = kill_sim();
    const auto next = s.settle();
    REQUIRE(next == kT0 + 2min);
    s.now = *next - 1ms;
    s.settle();
    CHECK(s.done.size() == 1);
    s.now = *next;
    s.settle();
    CHECK(s.done.back() == "start web");
    CHECK_FALSE(s.run.finished());
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK_THAT(s.run.message, Catch::Contains("started by the controller, then healthy"));
}

TEST_CASE("A target that cannot be started is tried with backoff, then reported with the command") {
    auto s = kill_sim();
    s.start_works = false;
    s.settle();
    s.now = kT0 + 2min;
    std::vector<Duration> tries;
    while (!s.run.settled) {
        const auto before = s.done.size();
        const auto next = s.settle();
        if (s.done.size() > before) tries.push_back(s.now - kT0);
        if (s.run.settled) break;
        REQUIRE(next);
        REQUIRE(*next > s.now);
        s.now = *next;
    }
    CHECK(tries == std::vector<Duration>{120s, 121s, 123s, 127s, 135s});
    CHECK(s.run.phase == Phase::kCleanupFailed);
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK_THAT(s.run.message, Catch::Contains("by hand: docker start web"));
}

TEST_CASE("A target that is gone for good cannot be started") {
    auto s = sim(spec({service("web")}, {action(ContainerRemove{})}), {container("web")});
    s.settle();
    s.now = kT0 + 2min;
    s.settle();
    CHECK_THAT(s.run.message, Catch::Contains("make anew what does not exist any more: web"));
    CHECK(s.done == Lines{"inject container_remove web"});
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK(s.run.settled);
}

TEST_CASE("A removed container that is made anew has recovered") {
    auto s = sim(spec({service("web")}, {action(ContainerRemove{})}), {container("web")});
    s.settle();
    s.now += 1s;
    auto fresh = container("web");
    fresh.id = long_id("another");
    fresh.incarnation = Incarnation{fresh.id, "later", 9};
    fresh.started_at = s.now;
    s.containers.push_back(fresh);
    s.settle();
    CHECK(s.run.verdict == Verdict::kPass);
    CHECK(s.run.targets[0].time_to_running == 1s);
    CHECK(s.run.targets[0].container_id == fresh.id);
}

TEST_CASE("A pause is undone at its end, and recovery is watched") {
    auto s = pause_sim();
    const auto next = s.settle();
    CHECK(s.run.phase == Phase::kRunning);
    REQUIRE(next == kT0 + 1min);
    s.now = *next;
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web", "undo container_pause web"});
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("Deleting the manifest undoes at once and keeps watching the recovery") {
    auto s = pause_sim();
    s.at("web").health = Health::kHealthy;
    s.settle();
    s.set_health("web", Health::kUnhealthy);
    s.wanted = false;
    s.now += 5s;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
    CHECK(s.run.phase == Phase::kAborted);
    CHECK(s.run.verdict == Verdict::kAborted);
    CHECK_FALSE(s.run.settled);
    s.now += 1s;
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.settled);
    CHECK(s.run.targets[0].time_to_healthy == 1s);
}

TEST_CASE(
    "When a run is aborted, or the controller stops, a target that is down is started at once") {
    auto s = kill_sim();
    s.settle();
    SECTION("aborted") { s.wanted = false; }
    SECTION("stopping") { s.stopping = true; }
    s.settle();
    CHECK(s.done.back() == "start web");
}

TEST_CASE("An aborted run whose target stays down ends as CleanupFailed, with the command") {
    auto s = kill_sim();
    s.start_works = false;
    s.settle();
    s.wanted = false;
    s.settle();
    CHECK(s.run.phase == Phase::kAborted);
    while (!s.run.settled) {
        const auto next = s.settle();
        if (s.run.settled) break;
        REQUIRE(next);
        s.now = *next;
    }
    CHECK(s.run.phase == Phase::kCleanupFailed);
    CHECK_THAT(s.run.message, Catch::Contains("by hand: docker start web"));
}

TEST_CASE("A target that somebody else removes during its pause counts as recovered") {
    auto s = pause_sim();
    s.settle();
    s.containers.clear();
    s.now += 10s;
    s.settle();
    CHECK(s.run.targets[0].state == "gone");
    CHECK(s.run.phase == Phase::kRunning);  // it may be made anew, and is followed then
    s.now = kT0 + 1min;
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.verdict == Verdict::kPass);
    CHECK(s.run.faults[0].state == FaultState::kVanished);
}

TEST_CASE("A life that ends just before it is to be paused again is no failure") {
    auto s = pause_sim();
    s.settle();
    s.start("web");  // restarted by somebody
    s.inject_error = Error{ErrorCode::kNotFound, "no longer in the life that was chosen"};
    s.step();
    CHECK(s.run.faults[0].state == FaultState::kVanished);
    CHECK(s.run.faults[0].injected_at == kT0);
    s.inject_error.reset();
    s.now += 1s;
    s.start("web");
    s.settle();
    CHECK(s.run.faults[0].state == FaultState::kInjected);
}

TEST_CASE("What Docker waits before a restart is told apart from the recovery") {
    auto s = kill_sim();
    s.settle();
    s.now += 6400ms;
    s.start("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.targets[0].time_to_running == 6400ms);
    CHECK(s.run.targets[0].restart_delay == 6400ms);
}

TEST_CASE("A target that somebody else stops during its pause is not ours to start") {
    auto s = pause_sim();
    s.settle();
    s.die("web");
    s.now += 10s;
    s.settle();
    CHECK(s.run.events.back().reason == "TargetDown");
    s.now = kT0 + 1min;
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    CHECK_FALSE(s.run.owes());
    s.now += 2min;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK(s.run.reason == "TargetDown");
}

TEST_CASE("What was started for somebody in a hurry did not recover by itself") {
    auto s = kill_sim();
    s.settle();
    s.stopping = true;
    s.settle();
    CHECK(s.done.back() == "start web");
    s.stopping = false;
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK_THAT(s.run.message, Catch::Contains("started by the controller, then healthy"));
}

TEST_CASE("A target that comes late without help is late, not started") {
    auto s = sim(spec({service("web")}, {action(ContainerRemove{})}), {container("web")});
    s.settle();
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.run.phase == Phase::kCleanupFailed);
    CHECK_THAT(s.run.message, Catch::Contains("chaosctl recover e"));
    s.run.settled = false;  // as chaosctl recover does
    s.run.end_time.reset();
    auto fresh = container("web");
    fresh.incarnation = Incarnation{long_id("another"), "later", 9};
    fresh.started_at = s.now;
    s.containers.push_back(fresh);
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK_THAT(s.run.message, Catch::Contains("but later"));
}
