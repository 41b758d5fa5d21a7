// What starts, and what does not.
#include "controller/run/lifecycle.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

TEST_CASE("A paused experiment does not start, and is aborted like any other") {
    auto s = kill_sim();
    s.paused = true;
    s.settle();
    s.now += 1h;
    s.settle();
    CHECK(s.done.empty());
    SECTION("resumed") {
        s.paused = false;
        s.settle();
        CHECK(s.done == Lines{"inject container_kill web"});
    }
    SECTION("deleted") {
        s.wanted = false;
        s.settle();
        CHECK(s.run.phase == Phase::kAborted);
    }
}

TEST_CASE("A stopping controller aborts what has something in force") {
    auto s = pause_sim();
    s.settle();
    s.stopping = true;
    s.settle();
    CHECK(s.run.phase == Phase::kAborted);
    CHECK(s.run.reason == "ControllerStopped");
}

TEST_CASE("A stopping controller starts nothing") {
    auto s = pause_sim();
    s.stopping = true;
    s.settle();
    CHECK(s.done.empty());
    CHECK_FALSE(s.run.finished());
}

TEST_CASE("No targets: fail, wait or skip") {
    auto s = kill_sim();
    s.spec.targets[0].service = "nobody";
    SECTION("fail") {
        s.settle();
        CHECK(s.run.phase == Phase::kFailed);
        CHECK(s.run.verdict == Verdict::kError);
        CHECK(s.run.reason == "NoTargets");
    }
    SECTION("skip") {
        s.spec.on_no_targets = OnNoTargets::kSkip;
        s.settle();
        CHECK(s.run.phase == Phase::kCompleted);
    }
    SECTION("wait") {
        s.spec.on_no_targets = OnNoTargets::kWait;
        s.settle();
        CHECK(s.run.phase == Phase::kWaiting);
        s.containers.push_back(container("nobody"));
        s.settle();
        CHECK(s.done == Lines{"inject container_kill nobody"});
    }
}

TEST_CASE("While Docker does not answer, absence means nothing") {
    auto s = kill_sim();
    s.synced = false;
    s.containers.clear();
    s.settle();
    CHECK(s.run.phase == Phase::kPending);
    CHECK(s.done.empty());
}

TEST_CASE("A container that another experiment holds is refused or waited for") {
    auto s = kill_sim();
    s.held["web/lifecycle"] = {"other", false};
    SECTION("reject, once it is clear that the other one stays") {
        const auto next = s.settle();
        CHECK(s.run.phase == Phase::kWaiting);
        REQUIRE(next);
        s.now = *next;
        s.settle();
        CHECK(s.run.phase == Phase::kRejected);
        CHECK(s.run.reason == "Conflict");
        CHECK_THAT(s.run.message, Catch::Contains("held by experiment other"));
    }
    SECTION("one that is just ending is waited for") {
        s.held["web/lifecycle"].ending = true;
        s.settle();
        s.now += 1min;
        s.settle();
        CHECK(s.run.phase == Phase::kWaiting);
        s.held.clear();
        s.settle();
        CHECK(s.done == Lines{"inject container_kill web"});
    }
    SECTION("queue") {
        s.spec.on_conflict = OnConflict::kQueue;
        s.settle();
        CHECK(s.run.phase == Phase::kWaiting);
        s.held.clear();
        s.settle();
        CHECK(s.done == Lines{"inject container_kill web"});
    }
    auto running = kill_sim();
    CHECK_FALSE(holds(running.run, running.spec, "web", "lifecycle"));
    running.settle();
    CHECK(holds(running.run, running.spec, "web", "lifecycle"));
    CHECK_FALSE(holds(running.run, running.spec, "web", "network"));
}

TEST_CASE("A dry run chooses, tells and touches nothing") {
    auto s = kill_sim();
    s.spec.dry_run = s.run.dry_run = true;
    s.settle();
    CHECK(s.done.empty());
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.reason == "DryRun");
    CHECK(s.run.targets.size() == 1);
    CHECK_THAT(s.run.events[1].message, Catch::Contains("s/0:container_kill/0@web after 0s"));
}

TEST_CASE("A scenario that is not drawn completes without a fault") {
    auto s = kill_sim();
    s.spec.scenarios[0].probability = 0;
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.reason == "NothingDrawn");
}

TEST_CASE("Scenarios without an action that is due are no success") {
    auto s = kill_sim();
    s.spec.scenarios[0].actions[0].targets = {"somebody-else"};
    s.settle();
    CHECK(s.run.phase == Phase::kFailed);
    CHECK(s.run.reason == "NothingDue");
}

TEST_CASE("A container that another experiment keeps down is a conflict, not nobody") {
    auto s = kill_sim();
    s.die("web");
    s.held["web/lifecycle"] = {"other", true};
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "Conflict");
    s.held.clear();
    s.start("web");
    s.settle();
    CHECK(s.done == Lines{"inject container_kill web"});
}
