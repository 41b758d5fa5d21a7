// What probes mean to a run.
#include "controller/run/steady.h"

#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

Sim probed_sim(Probe probe) {
    auto s = pause_sim();
    probe.name = "p";
    s.spec.probes = {std::move(probe)};
    return s;
}

}  // namespace

TEST_CASE("A run starts when its probes have succeeded, and fails where one does not") {
    const bool good = GENERATE(true, false);
    auto s = probed_sim({});
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "SteadyState");
    CHECK(probe_phase(s.run) == ProbePhase::kBefore);
    s.probed("p", ProbePhase::kBefore, good ? "" : "refused");
    s.settle();
    if (good) {
        CHECK(s.run.phase == Phase::kRunning);
        CHECK(probe_phase(s.run) == ProbePhase::kDuring);
    } else {
        CHECK(s.run.phase == Phase::kFailed);
        CHECK(s.run.message == "probe p: refused");
        CHECK(s.done.empty());
    }
}

TEST_CASE("A failure during the run ends it where the probe says so, or costs the verdict") {
    const bool stops = GENERATE(true, false);
    auto s = probed_sim({.phases = {false, true, false}, .stop_on_failure = stops});
    s.settle();
    REQUIRE(s.run.holds_faults());
    s.probed("p", ProbePhase::kDuring);
    s.settle();
    REQUIRE(s.run.holds_faults());
    s.probed("p", ProbePhase::kDuring, "timed out");
    s.settle();
    CHECK(s.run.holds_faults() != stops);
    if (!stops) s.now += 1min;
    s.settle();
    CHECK(s.run.verdict == (stops ? Verdict::kAborted : Verdict::kFail));
    CHECK(s.run.reason == (stops ? "ProbeFailed" : "SteadyStateLost"));
}

TEST_CASE("A stop condition on a probe must hold for its time") {
    auto s = probed_sim({.phases = {false, true, false}});
    s.spec.safety.stop_conditions = {
        {.type = StopCondition::Type::kProbe, .probe = "p", .duration = 5s}};
    s.settle();
    s.probed("p", ProbePhase::kDuring, "timed out");
    const auto next = s.settle();
    CHECK(next == kT0 + 5s);
    s.probed("p", ProbePhase::kDuring);
    s.settle();
    s.now += 6s;
    s.settle();
    CHECK(s.run.stop_reason.empty());
    s.probed("p", ProbePhase::kDuring, "timed out");
    s.settle();
    s.now += 5s;
    s.settle();
    CHECK(s.run.stop_reason == "StopCondition");
}

TEST_CASE("A run has recovered when its probes succeed again, or fails after its patience") {
    const bool good = GENERATE(true, false);
    auto s = probed_sim({.phases = {false, false, true}});
    s.settle();
    s.now += 1min;
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    CHECK(probe_phase(s.run) == ProbePhase::kAfter);
    s.probed("p", ProbePhase::kAfter, "refused");
    s.settle();
    CHECK(s.run.phase == Phase::kRecovering);
    if (good) s.probed("p", ProbePhase::kAfter);
    s.now += good ? 1s : 2min;
    s.settle();
    CHECK(s.run.verdict == (good ? Verdict::kPass : Verdict::kFail));
}

TEST_CASE("What counts as success") {
    using M = Measurement;
    const Probe http{.type = ProbeType::kHttp, .body_regex = "o+k", .max_latency = 100ms};
    CHECK_FALSE(why_failed(http, M{.status = 204, .output = "it is ook"}));
    CHECK(why_failed(http, M{.status = 500, .output = "ok"}) == "answered with status 500");
    CHECK_THAT(*why_failed(http, M{.status = 200, .output = "no"}), Catch::Contains("o+k"));
    CHECK_THAT(*why_failed(http, M{.status = 200, .output = "ok", .took = 101ms}),
               Catch::Contains("took 101ms"));
    CHECK(why_failed(http, M{.error = "refused", .status = 200}) == "refused");
    const Probe exec{.type = ProbeType::kExec, .exit_code = 3};
    CHECK_FALSE(why_failed(exec, M{.exit_code = 3}));
    CHECK_THAT(*why_failed(exec, M{}), Catch::Contains("exit code 0, expected 3"));
    const Probe other{.type = ProbeType::kHttp, .statuses = {404}};
    CHECK_FALSE(why_failed(other, M{.status = 404}));
    CHECK(why_failed(other, M{.status = 200}));
}
