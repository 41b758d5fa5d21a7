// The three everyday gestures, on a real engine.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"
#include "test/support/paths.h"

using namespace chaos::test;

TEST_CASE("A manifest dropped in kills a container, which Docker restarts, and the status tells",
          "[docker][lab]") {
    Containers c;
    const auto web = c.start("web", {.service = "web", .health_check = true});
    Lab lab{c};
    lab.start();
    lab.write("kill.yaml", experiment("kill", "{service: " + web + "}", "{type: container_kill}"));
    lab.expect_phase("kill", "Completed");
    CHECK(lab.field("kill", "verdict") == "Pass");
    CHECK(c.restarts(web) == 1);
    CHECK(lab.targets("kill") == std::vector{web});
    for (const auto* type : {"Valid", "Admitted", "TargetsSelected", "Injected", "EffectVerified",
                             "Recovered", "RecoveryVerified"}) {
        INFO(type);
        CHECK_THAT(lab.condition("kill", type), Catch::StartsWith("True"));
    }
    const auto status = lab.status("kill");
    const auto& target = status.find("targets")->items.at(0);
    const auto running = std::stod(target.text_at("time_to_running"));
    const auto healthy = std::stod(target.text_at("time_to_healthy"));
    CHECK(running > 0);
    CHECK(healthy > running);
    CHECK(target.find("faults")->items.at(0).at("evidence", "exit_code")->scalar == "137");
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("Deleting the manifest of a pause thaws the container and says so", "[docker][lab]") {
    Containers c;
    const auto web = c.start("web", {.health_check = true});
    Lab lab{c};
    lab.start();
    lab.write("p.yaml", experiment("p", "{service: " + web + "}", "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    CHECK(c.paused(web));
    CHECK(lab.condition("p", "EffectVerified") == "True ReadBack");
    CHECK(lab.condition("p", "Recovered") == "False InForce");
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
    CHECK(lab.field("p", "verdict") == "Aborted");
    CHECK(lab.condition("p", "Recovered") == "True NothingInForce");
    // The status goes on until the health is known again, although the pause made it "unhealthy"
    // without an event.
    CHECK(until([&] { return lab.condition("p", "RecoveryVerified") == "True Healthy"; }));
}

TEST_CASE_METHOD(Bed, "A pause ends by itself at its end", "[docker]") {
    lab.write("p.yaml", experiment("p", "{service: " + web + "}",
                                   "{type: container_pause, parameters: {duration: 1s}}"));
    lab.expect_phase("p", "Completed");
    CHECK(lab.field("p", "verdict") == "Pass");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(Bed,
                 "A kill by Docker's API leaves the container dead until the controller starts it",
                 "[docker]") {
    lab.write("k.yaml", experiment("k", "{service: " + web + "}",
                                   "{type: container_kill, parameters: {method: api}}",
                                   "  recovery_timeout: 2s\n"));
    lab.expect_phase("k", "Completed");
    CHECK(lab.field("k", "verdict") == "Fail");
    CHECK(lab.field("k", "reason") == "NotRecovered");
    CHECK_THAT(lab.field("k", "message"), Catch::Contains("started by the controller"));
    CHECK(c.inspect(web, "{{.State.Running}}") == "true");
    CHECK(c.restarts(web) == 0);
    CHECK(lab.condition("k", "RecoveryVerified") == "False RecoveryTimeout");
}

TEST_CASE("A pause that is not ours is neither made nor undone", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    c.docker({"pause", web});
    Lab lab{c};
    lab.start();
    // Selected although paused: it runs. The fault cannot be injected, and is not claimed.
    lab.write("p.yaml", experiment("p", "{service: " + web + "}", "{type: container_pause}",
                                   "  on_no_targets: fail\n"));
    lab.expect_phase("p", "Failed");
    lab.remove("p.yaml");
    CHECK(until([&] { return lab.log().find("p") != std::string::npos; }));
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK(c.paused(web));
    c.docker({"unpause", web});
}

TEST_CASE_METHOD(Bed, "A target that is restarted during its pause is paused again",
                 "[docker][lab]") {
    lab.write("p.yaml", experiment("p", "{service: " + web + "}", "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    c.docker({"unpause", web});
    CHECK(until([&] { return c.paused(web); }));
    c.docker({"kill", web});
    CHECK(until([&] { return c.inspect(web, "{{.State.Running}}") == "false"; }));
    c.docker({"start", web});
    CHECK(until([&] { return c.paused(web); }));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("The manifest of the specification is rejected with its line", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    lab.write("custom.yaml", read_text(source_dir() + "/manifests/custom-experiment.yaml"));
    lab.expect_phase("custom-experiment", "Rejected");
    CHECK_THAT(lab.field("custom-experiment", "message"),
               Catch::Contains("custom.yaml:22:17: spec.scenarios[0].actions[0].type: found "
                               "\"custom_action\"") &&
                   Catch::Contains("is defined in the configuration, under custom_actions"));
    lab.remove("custom.yaml");
    CHECK(until([&] { return lab.phase("custom-experiment").empty(); }));
}

TEST_CASE("Protected containers are left alone, and the run is refused", "[docker]") {
    Containers c;
    const auto web = c.start("web", {.labels = {"chaos.sutazai.com/protected=true"}});
    Lab lab{c};
    lab.start();
    lab.write("k.yaml", experiment("k", "{service: " + web + "}", "{type: container_kill}"));
    lab.expect_phase("k", "Rejected");
    CHECK(lab.field("k", "reason") == "Protected");
    CHECK(lab.field("k", "message") ==
          "container " + web + " is spared: label chaos.sutazai.com/protected=true");
    CHECK_THAT(lab.http("/metrics"),
               Catch::Contains("chaos_safety_violations_total{gate=\"Protected\"} 1"));
    CHECK(c.restarts(web) == 0);
}

TEST_CASE_METHOD(Bed, "A dry run does everything but inject", "[docker]") {
    lab.write("k.yaml", experiment("k", "{service: " + web + "}", "{type: container_kill}",
                                   "  dry_run: true\n"));
    lab.expect_phase("k", "Completed");
    CHECK(lab.field("k", "reason") == "DryRun");
    CHECK(lab.targets("k") == std::vector{web});
    CHECK(c.restarts(web) == 0);
}

TEST_CASE_METHOD(Bed, "Metrics, health and readiness are served", "[docker]") {
    lab.write("k.yaml", experiment("k", "{service: " + web + "}", "{type: container_kill}"));
    lab.expect_phase("k", "Completed");
    CHECK_THAT(lab.http("/healthz"), Catch::StartsWith("HTTP/1.1 200"));
    CHECK_THAT(lab.http("/readyz"), Catch::StartsWith("HTTP/1.1 200"));
    CHECK_THAT(lab.http("/nope"), Catch::StartsWith("HTTP/1.1 404"));
    const auto metrics = lab.http("/metrics");
    CHECK_THAT(metrics, Catch::Contains("chaos_experiments_total{verdict=\"Pass\"} 1") &&
                            Catch::Contains("chaos_recovery_time_seconds_count 1") &&
                            Catch::Contains("chaos_target_hits_total{service=\"" + web + "\"} 1"));
    lab.dir().write("metrics.txt", metrics.substr(metrics.find("\r\n\r\n") + 4));
    const auto checked = run_program(
        {"sh", "-c", "promtool check metrics <\"$1\"", "sh", lab.dir() / "metrics.txt"});
    INFO(checked.out);
    CHECK(checked.exit_code == 0);
}
