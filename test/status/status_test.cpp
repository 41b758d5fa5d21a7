#include "controller/status/status.h"

#include <sys/stat.h>

#include "controller/manifest/emit.h"
#include "controller/manifest/schema.h"
#include "controller/manifest/validate.h"
#include "controller/manifest/yaml.h"
#include "controller/status/file.h"
#include "test/support/catch.h"
#include "test/support/make.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::status;
using namespace chaos::test;

namespace {

Facts facts_of(const Run* run) {
    Facts facts;
    facts.name = "web";
    facts.source = {"m/web.yaml", 0, "sha256:1"};
    facts.generation = 2;
    facts.run = run;
    return facts;
}

Run finished_run() {
    Run run;
    run.experiment = "web";
    run.phase = Phase::kCompleted;
    run.verdict = Verdict::kPass;
    run.reason = "Recovered";
    run.created_at = run.origin = kT0;
    run.start_time = kT0;
    run.end_time = kT0 + 2s;
    RunTarget target{.name = "web-1", .service = "web", .joined_at = kT0};
    target.container_id = long_id("web-1");
    target.disturbed_at = kT0;
    target.time_to_running = 300ms;
    target.time_to_healthy = 1234567us;
    target.recovered = true;
    run.targets = {target};
    FaultRecord fault{
        .id = "s/0:container_kill/0@web-1", .spec = ContainerKill{}, .target = "web-1"};
    fault.state = FaultState::kFired;
    fault.injected_at = kT0;
    fault.evidence = {{"exit_code", "137"}};
    run.faults = {fault};
    return run;
}

std::string condition(const Facts& facts, const std::string& type) {
    for (const auto& c : conditions(facts)) {
        if (c.type == type) return c.status + " " + c.reason;
    }
    return "absent";
}

}  // namespace

TEST_CASE("Conditions stand in a fixed order") {
    std::vector<std::string> types;
    for (const auto& c : conditions(facts_of(nullptr))) types.push_back(c.type);
    CHECK(types == std::vector<std::string>{"Valid", "Admitted", "TargetsSelected", "Injected",
                                            "EffectVerified", "SteadyState", "Recovered",
                                            "RecoveryVerified"});
}

TEST_CASE("A good run has every condition true, but for probes it does not have") {
    const auto run = finished_run();
    const auto facts = facts_of(&run);
    CHECK(condition(facts, "Valid") == "True Decoded");
    CHECK(condition(facts, "Admitted") == "True Admitted");
    CHECK(condition(facts, "TargetsSelected") == "True Selected");
    CHECK(condition(facts, "Injected") == "True Injected");
    CHECK(condition(facts, "EffectVerified") == "True ReadBack");
    CHECK(condition(facts, "SteadyState") == "Unknown NoProbes");
    CHECK(condition(facts, "Recovered") == "True NothingInForce");
    CHECK(condition(facts, "RecoveryVerified") == "True Healthy");
}

TEST_CASE("An effect is never claimed without evidence") {
    auto run = finished_run();
    run.faults[0].evidence.clear();
    CHECK(condition(facts_of(&run), "EffectVerified") == "False NoEffectSeen");
    run.phase = Phase::kRunning;
    CHECK(condition(facts_of(&run), "EffectVerified") == "Unknown NoEffectSeen");
}

TEST_CASE("What is wrong shows in the condition that it concerns") {
    auto run = finished_run();
    auto facts = facts_of(&run);
    facts.problems = {"m/web.yaml:3:1: spec.x: unknown field"};
    CHECK(condition(facts, "Valid") == "False Invalid");
    CHECK_THAT(conditions(facts)[0].message,
               Catch::Contains("m/web.yaml:3:1") && Catch::Contains("generation 2 stays in force"));
    run.faults[0].state = FaultState::kFailed;
    CHECK(condition(facts, "Injected") == "False InjectionFailed");
    run = finished_run();
    run.targets[0].timed_out = true;
    CHECK(condition(facts, "RecoveryVerified") == "False RecoveryTimeout");
    run.faults[0] = {.id = "p", .spec = ContainerPause{}, .target = "web-1"};
    run.faults[0].state = FaultState::kInjected;
    CHECK(condition(facts, "Recovered") == "False InForce");
    facts.unavailable = "m: gone";
    CHECK(condition(facts, "SourceUnavailable") == "True Unreadable");
    facts.run = nullptr;
    facts.rejected = true;
    CHECK(condition(facts, "Admitted") == "False Invalid");
    facts.rejected = false;
    facts.engine_synced = false;
    CHECK(condition(facts, "TargetsSelected") == "Unknown EngineUnavailable");
}

TEST_CASE("A status is as the published schema says") {
    auto run = finished_run();
    run.targets[0].state = "running";
    run.targets[0].restart_delay = 200ms;
    run.targets[0].incarnation = Incarnation{long_id("web-1"), format_time(kT0), 7};
    run.deadline = kT0 + 1min;
    run.add_event(kT0, true, "What", "why");
    auto facts = facts_of(&run);
    facts.history = {summarize(run)};
    const auto body = build(facts, {}, kT0);
    std::vector<manifest::Diagnostic> problems;
    manifest::validate(*body.find("status"), *manifest::crd().root.property("status"), "status",
                       problems);
    for (const auto& problem : problems) UNSCOPED_INFO(manifest::render("status", problem));
    CHECK(problems.empty());
}

TEST_CASE("A target that somebody else has ended is told as it is") {
    auto run = finished_run();
    auto& target = run.targets[0];
    target.state = "exited";
    CHECK(condition(facts_of(&run), "RecoveryVerified") == "False TargetDown");
    run.phase = Phase::kRunning;
    run.faults[0].spec = ContainerPause{};
    run.faults[0].state = FaultState::kInjected;
    CHECK(condition(facts_of(&run), "RecoveryVerified") == "Unknown Recovering");
    const auto phase = [&] {
        return build(facts_of(&run), {}, kT0)
            .find("status")
            ->find("targets")
            ->items[0]
            .text_at("phase");
    };
    CHECK(phase() == "Down");
    target.state = "paused";
    CHECK(phase() == "Injected");
    run.faults.clear();
    CHECK(condition(facts_of(&run), "EffectVerified") == "Unknown Pending");
}

TEST_CASE("A condition keeps its transition time while its status stays") {
    auto run = finished_run();
    const auto first = build(facts_of(&run), {}, kT0);
    const auto second = build(facts_of(&run), transitions_of(first), kT0 + 1h);
    CHECK(manifest::emit_yaml(first) == manifest::emit_yaml(second));
    run.targets[0].timed_out = true;
    const auto third = build(facts_of(&run), transitions_of(second), kT0 + 2h);
    const auto text = manifest::emit_yaml(third);
    CHECK_THAT(text, Catch::Contains(format_time(kT0)) && Catch::Contains(format_time(kT0 + 2h)));
    CHECK_THAT(text, !Catch::Contains(format_time(kT0 + 1h)));
}

TEST_CASE("A status file is YAML that says the same to every reader") {
    auto run = finished_run();
    run.message = "yes: \"quoted\" # not a comment\nsecond line";
    const auto text = manifest::emit_yaml(build(facts_of(&run), {}, kT0));
    const auto documents = manifest::load_yaml(text);
    REQUIRE(documents.size() == 1);
    REQUIRE(documents[0].ok());
    const auto* status = documents[0].root.find("status");
    REQUIRE(status != nullptr);
    CHECK(status->text_at("message") == run.message);
    CHECK(status->text_at("phase") == "Completed");
    // Strings that a YAML 1.1 reader would take for booleans or dates are in quotes.
    CHECK_THAT(text, Catch::Contains("status: \"True\"") &&
                         Catch::Contains("start_time: \"2026-11-24T08:00:00.000Z\"") &&
                         Catch::Contains("recovery_time: 1.235") &&
                         Catch::Contains("exit_code: \"137\""));
}

TEST_CASE("A file is replaced as a whole, and an impossible path is an error that names it") {
    TempDir dir;
    REQUIRE(write_file(dir / "a.status.yaml", "one\n"));
    REQUIRE(write_file(dir / "a.status.yaml", "two\n"));
    CHECK(read_file(dir / "a.status.yaml") == "two\n");
    int files = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator{dir.path()}) ++files;
    CHECK(files == 1);
    const auto failed = write_file(dir / "no/such/a.status.yaml", "x");
    REQUIRE_FALSE(failed);
    CHECK_THAT(failed.error().context, Catch::Contains("no/such"));
}
