// What becomes of those that depend on a target.
#include "controller/run/cascade.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

// frontend needs backend needs db; mail needs nobody.
Sim shop(Spec s) {
    auto world = sim(std::move(s), {container("db"), container("backend"), container("frontend"),
                                    container("mail")});
    world.dependencies = {{"backend", {"db"}}, {"frontend", {"backend"}}};
    for (const auto* name : {"db", "backend", "frontend", "mail"}) {
        world.at(name).health = Health::kHealthy;
    }
    return world;
}

Spec pause_db() { return spec({service("db")}, {action(ContainerPause{}, 1min)}); }

bool has_event(const Run& run, const std::string& reason) {
    return std::ranges::find(run.events, reason, &RunEvent::reason) != run.events.end();
}

}  // namespace

TEST_CASE("Dependents that become ill are told with their distance and how long it took") {
    auto s = shop(pause_db());
    s.set_health("mail", Health::kUnhealthy);  // depends on nobody
    s.settle();
    s.now += 5s;
    s.set_health("backend", Health::kUnhealthy);
    s.settle();
    s.now += 5s;
    s.set_health("frontend", Health::kUnhealthy);
    s.settle();
    CHECK(cascade_depth(s.run) == 2);
    REQUIRE(s.run.suffered.size() == 2);
    CHECK(s.run.suffered[0] == Suffered{"backend", 1, kT0 + 5s, {}});
    CHECK(s.run.suffered[1].depth == 2);
    s.now += 20s;
    s.set_health("backend", Health::kHealthy);
    s.settle();
    CHECK(s.run.suffered[0].until == kT0 + 30s);
    CHECK(has_event(s.run, "DependentIll"));
    CHECK(has_event(s.run, "DependentWell"));
}

TEST_CASE("Who was ill before the first fault did not suffer from it") {
    auto s = shop(pause_db());
    s.set_health("backend", Health::kUnhealthy);
    s.settle();
    CHECK(s.run.suffered.empty());
    // Once well, it counts like any other.
    s.now += 1s;
    s.set_health("backend", Health::kHealthy);
    s.settle();
    s.now += 1s;
    s.set_health("backend", Health::kUnhealthy);
    s.settle();
    CHECK(s.run.suffered.size() == 1);
}

TEST_CASE("A run recovers when its dependents have, and fails where they do not in time") {
    const bool in_time = GENERATE(true, false);
    auto s = shop(pause_db());
    s.settle();
    s.set_health("backend", Health::kUnhealthy);
    s.settle();
    s.now += 1min;
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    CHECK_FALSE(s.run.holds_faults());
    if (in_time) {
        s.now += 1min;
        s.set_health("backend", Health::kHealthy);
        s.settle();
        CHECK(s.run.verdict == Verdict::kPass);
    } else {
        s.now += 2min;
        s.settle();
        CHECK(s.run.verdict == Verdict::kFail);
        CHECK(s.run.reason == "SteadyStateLost");
        CHECK_THAT(s.run.message, Catch::Contains("backend, which depend on a target"));
    }
    CHECK(s.run.phase == Phase::kCompleted);
    CHECK(s.run.settled);
}

TEST_CASE("A cascade deeper than allowed ends the run") {
    auto wanted = pause_db();
    wanted.safety.stop_conditions = {
        {.type = StopCondition::Type::kCascadeDepth, .comparator = ">", .threshold = 1}};
    auto s = shop(wanted);
    s.settle();
    s.set_health("backend", Health::kUnhealthy);
    s.settle();
    CHECK(s.run.stop_reason.empty());
    CHECK(s.run.holds_faults());
    s.set_health("frontend", Health::kUnhealthy);
    s.settle();
    s.settle();
    CHECK(s.run.stop_reason == "StopCondition");
    CHECK_FALSE(s.run.holds_faults());
    CHECK(s.run.phase == Phase::kAborted);
    CHECK_THAT(s.run.events[s.run.events.size() - 3].message + s.run.events.back().message +
                   s.run.events[s.run.events.size() - 4].message,
               Catch::Contains("cascade_depth: found 2 > 1"));
}

TEST_CASE("A health fraction must be low for as long as its condition says") {
    auto wanted = pause_db();
    wanted.safety.stop_conditions = {{.name = "most are ill",
                                      .type = StopCondition::Type::kHealthFraction,
                                      .comparator = "<",
                                      .threshold = 0.5,
                                      .duration = 10s}};
    auto s = shop(wanted);
    s.settle();
    s.set_health("backend", Health::kUnhealthy);
    s.set_health("mail", Health::kUnhealthy);
    const auto next = s.settle();
    REQUIRE(next);
    CHECK(*next == kT0 + 10s);
    s.now += 9s;
    s.settle();
    CHECK(s.run.stop_reason.empty());
    s.set_health("mail", Health::kHealthy);
    s.settle();
    s.set_health("mail", Health::kUnhealthy);
    s.settle();
    s.now += 9s;
    s.settle();
    CHECK(s.run.stop_reason.empty());  // not without interruption
    s.now += 1s;
    s.settle();
    CHECK(s.run.stop_reason == "StopCondition");
}

TEST_CASE("A target that stays ill is restarted, then reported with the command") {
    auto s = pause_sim(10s);
    s.at("web").health = Health::kHealthy;
    s.settle();
    s.now += 10s;
    s.set_health("web", Health::kUnhealthy);
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    s.now += 2min;
    s.settle();
    CHECK(s.done.back() == "start web");
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.verdict == Verdict::kFail);
    CHECK(s.run.phase == Phase::kCompleted);
}
