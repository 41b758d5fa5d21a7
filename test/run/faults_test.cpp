// Faults on containers that die, come back and are meddled with.
#include "controller/run/lifecycle.h"

#include <random>

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

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
