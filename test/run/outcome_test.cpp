// What the outcome of an attempt makes of a fault's record.
#include "controller/run/outcome.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

TEST_CASE("A pause whose reply was lost or made no sense counts as perhaps in force") {
    const auto code = GENERATE(ErrorCode::kUnavailable, ErrorCode::kInternal);
    auto s = pause_sim();
    s.inject_error = Error{code, "reply: bad version"};
    s.step();
    CHECK(s.run.faults[0].state == FaultState::kRecorded);
    CHECK(s.run.holds_faults());
    s.wanted = false;
    s.now += 1s;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
}

TEST_CASE("A pause that was refused is not in force") {
    const auto code = GENERATE(ErrorCode::kPermission, ErrorCode::kConflict, ErrorCode::kNotFound);
    auto s = pause_sim();
    s.inject_error = Error{code, "no"};
    s.step();
    CHECK(s.run.faults[0].state == FaultState::kFailed);
    CHECK_FALSE(s.run.holds_faults());
}

TEST_CASE("A fault that was there before is not given up because a later attempt was refused") {
    const auto code = GENERATE(ErrorCode::kPermission, ErrorCode::kConflict, ErrorCode::kInternal);
    auto s = pause_sim();
    s.settle();
    s.at("web").state = ContainerState::kRunning;  // somebody lifted it
    s.inject_error = Error{code, "no"};
    s.step();
    CHECK(s.run.holds_faults());
    CHECK(s.run.faults[0].injected_at == kT0);
    note_unrecorded(s.run, s.run.faults[0].id, {ErrorCode::kUnavailable, "disk full"}, true, s.now);
    CHECK(s.run.holds_faults());
}

TEST_CASE("What could not be recorded was not done") {
    auto s = pause_sim();
    const Injection injection{{"x", ContainerPause{}, "web", "web", kT0, kT0 + 1min},
                              *s.at("web").incarnation};
    CHECK_FALSE(record_intent(s.run, injection, kT0));
    CHECK(s.run.faults[0].ends_at == kT0 + 1min);
    note_unrecorded(s.run, "x", {ErrorCode::kUnavailable, "disk full"}, false, kT0);
    CHECK(s.run.faults[0].state == FaultState::kFailed);
    CHECK(s.run.faults[0].not_before > kT0);
}

TEST_CASE("The end of what is in force moves with the spec") {
    auto s = pause_sim(1min);
    s.settle();
    CHECK(s.run.faults[0].ends_at == kT0 + 1min);
    s.spec.scenarios[0].actions[0].duration = 2min;
    s.settle();
    CHECK(s.run.faults[0].ends_at == kT0 + 2min);
}

TEST_CASE("A run owes what is in force, and a target that did not come back") {
    auto s = kill_sim();
    CHECK_FALSE(s.run.owes());
    s.settle();
    CHECK(s.run.unrecovered() == Lines{"web"});
    CHECK_FALSE(s.run.holds_faults());
    s.start("web", Health::kHealthy);
    s.settle();
    CHECK_FALSE(s.run.owes());
    s.run.settled = false;
    s.run.faults[0].state = FaultState::kRecorded;  // nobody knows whether it fired
    CHECK(s.run.owes());
}

TEST_CASE("Attempts to inject that failed delay no undo") {
    auto s = pause_sim();
    s.inject_error = Error{ErrorCode::kUnavailable, "timed out"};
    for (int i = 0; i < 12; ++i) {
        s.step();
        s.now = std::min(s.run.faults[0].not_before.value_or(s.now), kT0 + 50s);
    }
    s.at("web").state = ContainerState::kPaused;  // one of them took effect after all
    REQUIRE(s.run.faults[0].not_before > s.now);
    s.wanted = false;
    s.settle();
    CHECK(s.done.back() == "undo container_pause web");
}

TEST_CASE("A restart that Docker may still be at is not judged yet") {
    auto s = sim(spec({service("web")}, {action(ContainerRestart{10s})}), {container("web")});
    s.inject_error = Error{ErrorCode::kUnavailable, "connection lost"};
    s.step();
    s.inject_error.reset();
    s.now = kT0 + 12s;
    s.settle();
    CHECK(s.done.size() == 1);
    s.now = kT0 + 13s;
    s.settle();
    CHECK(s.done.size() == 2);
}
