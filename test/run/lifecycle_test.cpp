#include "controller/run/lifecycle.h"

#include <random>

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

using Lines = std::vector<std::string>;

Sim kill_sim() {
    auto s = sim(spec({service("web")}, {action(ContainerKill{})}), {container("web")});
    s.at("web").health = Health::kHealthy;
    return s;
}

Sim pause_sim(Duration duration = 1min) {
    return sim(spec({service("web")}, {action(ContainerPause{}, duration)}), {container("web")});
}

}  // namespace

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
    CHECK_THAT(s.run.message, Catch::Contains("started by the controller"));
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

TEST_CASE("A stop keeps the container down and starts it again at its end") {
    auto s = sim(spec({service("web")}, {action(ContainerStop{10s}, 1min)}), {container("web")});
    s.at("web").health = Health::kHealthy;
    const auto next = s.settle();
    CHECK(s.done == Lines{"inject container_stop web"});
    CHECK(s.run.phase == Phase::kRunning);
    REQUIRE(next == kT0 + 1min);
    SECTION("somebody starts it: it is stopped again") {
        s.now += 5s;
        s.start("web");
        s.settle();
        CHECK(s.done.size() == 2);
        CHECK_FALSE(s.at("web").running());
    }
    SECTION("the record alone survived a crash of the controller") {
        s.run.faults[0].state = FaultState::kRecorded;
        s.settle();
        CHECK(s.run.faults[0].state == FaultState::kInjected);
    }
    s.now = kT0 + 1min;
    s.settle();
    CHECK(s.done.back() == "undo container_stop web");
    CHECK(s.at("web").running());
    s.now += 1s;
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("A kill inside the container leaves its life alone") {
    auto s = sim(spec({service("web")}, {action(ProcessKill{"worker", 9})}), {container("web")});
    const auto next = s.settle();
    CHECK(s.done == Lines{"inject process_kill web"});
    REQUIRE(next == kT0 + kSignalGrace);
    s.now = *next;
    s.settle();
    CHECK(s.run.verdict == Verdict::kPass);
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
    s.held["web/lifecycle"] = "other";
    SECTION("reject") {
        s.settle();
        CHECK(s.run.phase == Phase::kRejected);
        CHECK(s.run.reason == "Conflict");
        CHECK_THAT(s.run.message, Catch::Contains("held by experiment other"));
    }
    SECTION("queue") {
        s.spec.on_conflict = OnConflict::kQueue;
        s.settle();
        CHECK(s.run.phase == Phase::kWaiting);
        s.held.clear();
        s.settle();
        CHECK(s.done == Lines{"inject container_kill web"});
    }
    CHECK(holdings(kill_sim().run, kill_sim().spec).empty());
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

TEST_CASE("A restarted container gets its pause again, and not before it runs") {
    auto s = pause_sim();
    s.settle();
    s.now += 5s;
    s.die("web");
    s.settle();
    CHECK(s.done.size() == 1);
    s.now += 1s;
    s.start("web");
    s.settle();
    CHECK(s.done == Lines{"inject container_pause web", "inject container_pause web"});
    CHECK(s.run.faults.size() == 1);
}

TEST_CASE("A container that is gone for a moment does not end the run") {
    auto s = pause_sim();
    s.settle();
    s.containers.clear();
    s.now += 1s;
    s.settle();
    CHECK(s.run.phase == Phase::kRunning);
    s.now = kT0 + 1min;
    s.settle();
    CHECK(s.run.faults[0].state == FaultState::kVanished);
}

TEST_CASE("A pause that somebody lifted is put back while it is wanted") {
    auto s = pause_sim();
    s.settle();
    s.at("web").state = ContainerState::kRunning;
    s.settle();
    CHECK(s.done.size() == 2);
    CHECK(s.at("web").state == ContainerState::kPaused);
}

TEST_CASE("A failing undo is retried with backoff, then reported, and never given up") {
    auto s = pause_sim();
    s.settle();
    s.undo_fails = {"web"};
    s.now = kT0 + 1min;
    int tries = 0;
    while (s.now < kT0 + 10min) {
        const auto attempts = s.run.faults[0].attempts;
        const auto again = s.settle();
        tries += s.run.faults[0].attempts - attempts;
        REQUIRE(again);
        REQUIRE(*again > s.now);
        s.now = *again;
    }
    CHECK(tries > 15);
    CHECK(tries < 60);
    CHECK(s.run.phase == Phase::kCleanupFailed);
    CHECK_THAT(s.run.message, Catch::Contains("docker unpause web"));
    s.undo_fails.clear();
    s.now += 31s;
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.at("web").state == ContainerState::kRunning);
}

TEST_CASE("Three repetitions fire one after the other on the lives then running") {
    auto s = kill_sim();
    s.spec.scenarios[0].actions[0].repeat = Repeat{3, 1min};
    s.settle();
    for (int i = 1; i < 3; ++i) {
        s.now = kT0 + i * 1min - 30s;
        s.start("web", Health::kHealthy);
        s.settle();
        s.now = kT0 + i * 1min;
        s.settle();
        CHECK(s.done.size() == static_cast<std::size_t>(i + 1));
    }
    s.now += 1s;
    s.start("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.targets[0].time_to_healthy == 1s);
}

TEST_CASE("A repetition whose target does not run is skipped, not made up for") {
    auto s = kill_sim();
    s.spec.scenarios[0].actions[0].repeat = Repeat{2, 1min};
    s.settle();
    s.start_works = false;
    s.spec.recovery_timeout = 1h;
    s.now = kT0 + 3min;  // never started again: the second one waits for it
    s.settle();
    CHECK(s.done.size() == 1);
    s.now = kT0 + 10min;
    s.settle();
    CHECK(s.run.faults[1].state == FaultState::kSkipped);
    CHECK(s.done.size() == 1);
}

TEST_CASE("A kill that was recorded when the controller died is judged by the target's life") {
    auto s = kill_sim();
    s.settle();
    s.run.faults[0].state = FaultState::kRecorded;  // as the journal had it
    SECTION("the life is over: it fired") {
        s.now += 1s;
        s.start("web", Health::kHealthy);
        s.settle();
        CHECK(s.done.size() == 1);
        CHECK(s.run.faults[0].state == FaultState::kFired);
    }
    SECTION("the life goes on: it did not") {
        s.run.phase = Phase::kInjecting;
        s.run.start_time.reset();
        auto& web = s.at("web");
        web.state = ContainerState::kRunning;
        web.incarnation = s.run.faults[0].incarnation;
        s.settle();
        CHECK(s.done.size() == 2);
    }
}

TEST_CASE("Property: on any history, planning again on the same world plans nothing") {
    std::mt19937 random{20261124};
    for (int round = 0; round < 300; ++round) {
        auto kill = action(ContainerKill{});
        kill.repeat = Repeat{3, 40s};
        kill.start_after = std::chrono::seconds{random() % 30};
        auto pause = action(ContainerPause{}, std::chrono::seconds{5 + random() % 60});
        if (round % 3 == 0) pause.fault = ContainerStop{};
        auto s = sim(spec({service("*")}, {pause, kill}),
                     {container("a"), container("b"), container("c")});
        s.spec.targets[0].mode = Mode::kAll;
        s.spec.safety.max_affected_services = 1 + random() % 3;
        s.run.seed = random();
        for (int i = 0; i < 40 && !s.run.settled; ++i) {
            const auto& name = s.containers[random() % 3].name;
            switch (random() % 7) {
                case 0: s.die(name); break;
                case 1: s.start(name); break;
                case 2: s.synced = !s.synced; break;
                case 3: s.wanted = s.wanted && random() % 8 != 0; break;
                case 4: s.paused = !s.paused; break;
                default: s.now += std::chrono::seconds{random() % 20};
            }
            s.settle();
            const auto before = s.run;
            s.step();
            CHECK(s.last_plan.empty());
            CHECK(s.run == before);
        }
        // Whatever happened: once it is over, nothing of ours is in force.
        s.synced = true;
        s.wanted = false;
        s.now += 20min;
        s.settle();
        CHECK_FALSE(s.run.holds_faults());
        for (const auto& c : s.containers) CHECK(c.state != ContainerState::kPaused);
        std::set<std::string> fired;
        for (const auto& f : s.run.faults) CHECK(fired.insert(f.id).second);
    }
}
