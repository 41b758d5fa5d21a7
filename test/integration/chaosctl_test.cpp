// chaosctl against a controller at work.
#include <csignal>
#include <thread>

#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

std::string manual(const std::string& name, const std::string& target, const std::string& action) {
    return experiment(name, by_name(target), action, "  schedule: manual\n");
}

}  // namespace

TEST_CASE_METHOD(Bed, "run starts a run as often as it is asked for, and wait waits for its end",
                 "[docker]") {
    lab.write("k.yaml", manual("k", web, "{type: container_kill}"));
    lab.expect_phase("k", "Waiting");
    const auto dry = lab.ctl({"run", "k", "--dry-run"});
    CHECK(dry.out == "chaosexperiment/k: dry run started\n");
    CHECK(lab.ctl({"wait", "k", "--for", "phase=Completed"}).exit_code == 0);
    CHECK(lab.field("k", "reason") == "DryRun");
    CHECK(c.restarts(web) == 0);
    for (int i = 1; i <= 2; ++i) {
        CHECK(lab.ctl({"run", "k"}).exit_code == 0);
        REQUIRE(until([&] { return c.restarts(web) == i; }));
        CHECK(lab.ctl({"wait", "k", "--for", "verdict=Pass"}).exit_code == 0);
    }
    CHECK(lab.ctl({"wait", "k", "--for", "condition=Recovered"}).exit_code == 0);
    const auto wrong = lab.ctl({"wait", "k", "--for", "verdict=Fail", "--timeout", "20s"});
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.out, Catch::Contains("has ended with phase Completed and verdict Pass"));
    CHECK(lab.ctl({"wait", "k", "--for", "nonsense"}).exit_code == 2);
    const auto nobody = lab.ctl({"run", "nobody"});
    CHECK(nobody.exit_code == 1);
    CHECK_THAT(nobody.out, Catch::Contains("no valid experiment \"nobody\""));
}

TEST_CASE_METHOD(Bed, "pause, resume and abort work on a run that is going on", "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    const auto twice = lab.ctl({"run", "p"});
    CHECK(twice.exit_code == 1);
    CHECK_THAT(twice.out, Catch::Contains("is running already"));
    CHECK(lab.ctl({"pause", "p"}).exit_code == 0);
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    CHECK_FALSE(c.paused(web));
    CHECK_THAT(lab.ctl({"get", "p"}).out, Catch::Contains("Paused"));
    CHECK(lab.stop(SIGTERM) == 0);
    lab.start();
    CHECK(lab.field("p", "paused") == "true");
    CHECK(lab.ctl({"resume", "p"}).exit_code == 0);
    CHECK(until([&] { return c.paused(web); }));
    CHECK(lab.ctl({"abort", "p"}).exit_code == 0);
    lab.expect_phase("p", "Aborted");
    CHECK(lab.field("p", "reason") == "AbortedByHand");
    CHECK_FALSE(c.paused(web));
    CHECK(lab.ctl({"abort", "p"}).exit_code == 1);
}

TEST_CASE("A pause of a run that still waits survives an edit and a restart", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    const auto name = c.prefix() + "late";
    const auto text = [&](const std::string& duration) {
        return experiment("p", "{service: " + name + "}", "{type: container_pause}",
                          "  on_no_targets: wait\n  recovery_timeout: " + duration + "\n");
    };
    lab.write("p.yaml", text("1m"));
    lab.expect_phase("p", "Waiting");
    CHECK(lab.ctl({"pause", "p"}).exit_code == 0);
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    lab.write("p.yaml", text("2m"));
    CHECK(until([&] { return lab.field("p", "generation") == "2"; }));
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    lab.stop(SIGKILL);
    c.start("late");
    lab.start();
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    CHECK_FALSE(c.paused(name));
    CHECK(lab.ctl({"resume", "p"}).exit_code == 0);
    CHECK(until([&] { return c.paused(name); }));
}

TEST_CASE("doctor finds a host where the controller runs in order, and says what is missing",
          "[docker][lab]") {
    Containers c;
    Lab lab{c};
    lab.start();
    const auto well = lab.ctl({"doctor"});
    INFO(well.out);
    CHECK(well.exit_code == 0);
    CHECK_THAT(well.out, Catch::Contains("Docker engine") &&
                             Catch::Contains("pidfd, cgroup version") &&
                             Catch::Contains("kernel module sch_htb"));
    const Lab nowhere{"unix:///nonexistent/docker.sock"};
    const auto ill = nowhere.ctl({"doctor", "-o", "yaml"});
    CHECK(ill.exit_code == 1);
    CHECK_THAT(ill.out, Catch::Contains("result: failed") && Catch::Contains("/nonexistent"));
}

TEST_CASE("Without a controller the remote verbs say so, and the others work", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.write("k.yaml", experiment("k", by_name("x"), "{type: container_kill}"));
    for (const auto* verb : {"run", "pause", "resume", "abort", "recover"}) {
        const auto result = lab.ctl({verb, "k"});
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.out, Catch::Contains("no controller answers on"));
    }
    CHECK(lab.ctl({"run", "../../etc"}).exit_code == 2);
    CHECK(lab.ctl({"logs"}).exit_code == 1);
    CHECK(lab.ctl({"get"}).exit_code == 0);
    CHECK(lab.ctl({"events"}).exit_code == 0);
    const auto unproven = lab.ctl({"verify-clean"});
    CHECK(unproven.exit_code == 1);
    CHECK_THAT(unproven.out, Catch::Contains("no journal in"));
}

TEST_CASE_METHOD(Bed, "verify-clean names what is in force and how to undo it", "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    const auto dirty = lab.ctl({"verify-clean"});
    CHECK(dirty.exit_code == 1);
    CHECK_THAT(dirty.out, Catch::Contains("container_pause on " + web +
                                          " is in force; by hand: docker unpause " + web));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK(lab.ctl({"wait", "p", "--for", "phase=Aborted"}).exit_code == 0);
    CHECK(until([&] { return lab.ctl({"verify-clean"}).exit_code == 0; }));
}

TEST_CASE_METHOD(Bed, "events, logs and diff show what has happened and what would", "[docker]") {
    const auto text = experiment("k", by_name(web), "{type: container_kill}");
    lab.dir().write("k.yaml", text);
    const auto fresh = lab.ctl({"diff", lab.dir() / "k.yaml"});
    CHECK(fresh.exit_code == 1);
    CHECK_THAT(fresh.out, Catch::Contains("chaosexperiment/k (new)"));
    CHECK(lab.ctl({"apply", "-f", lab.dir() / "k.yaml"}).exit_code == 0);
    CHECK(lab.ctl({"diff", lab.dir() / "k.yaml"}).exit_code == 0);
    auto longer = text;
    longer.replace(longer.find("duration: 5m"), 12, "duration: 6m");
    lab.dir().write("k.yaml", longer);
    const auto changed = lab.ctl({"diff", lab.dir() / "k.yaml"});
    CHECK(changed.exit_code == 1);
    CHECK_THAT(changed.out, Catch::Contains("~ spec.duration: \"5m\" -> \"6m\""));
    lab.expect_phase("k", "Completed");
    CHECK_THAT(lab.ctl({"events", "k"}).out,
               Catch::Contains("FaultInjected") && Catch::Contains("Completed"));
    CHECK_THAT(lab.ctl({"logs"}).out, Catch::Contains("fault injected experiment=k"));
}

TEST_CASE("The control socket is for its owner and group only", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    const auto mode = run_program({"stat", "-c", "%a %F", lab.dir() / "state/control.sock"});
    CHECK(mode.out == "660 socket\n");
    const auto post = [&](const std::string& path) {
        return run_program({"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
                            "--unix-socket", lab.dir() / "state/control.sock", "http://x" + path})
            .out;
    };
    CHECK(post("/v1/experiments/none/abort") == "404");
    CHECK(post("/v1/experiments/none/explode") == "404");
    CHECK(post("/v1/experiments/") == "404");
    CHECK(post("/v1/experiments/a/b/c/d") == "404");
    CHECK(post("/") == "404");
    CHECK_THAT(lab.http("/v1/experiments/none/abort"), Catch::StartsWith("HTTP/1.1 403"));
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK(run_program({"test", "-e", lab.dir() / "state/control.sock"}).exit_code == 1);
}

TEST_CASE("recover starts what was given up", "[docker]") {
    Containers c;
    const auto web = c.start("web", {.restart = "no"});
    Lab lab{c};
    lab.start();
    lab.write("k.yaml",
              experiment("k", by_name(web), "{type: container_kill}", "  recovery_timeout: 1s\n"));
    lab.expect_phase("k", "Completed", 30s);
    CHECK(lab.field("k", "verdict") == "Fail");
    CHECK(c.inspect(web, "{{.State.Running}}") == "true");
    const auto nothing = lab.ctl({"recover", "k"});
    CHECK(nothing.exit_code == 1);
    CHECK_THAT(nothing.out, Catch::Contains("nothing to recover"));
}

TEST_CASE("Completions are there for three shells, and bash's is valid", "[docker]") {
    Containers c;
    const Lab lab{c};
    for (const auto* shell : {"bash", "zsh", "fish"}) {
        const auto result = lab.ctl({"completion", shell});
        CHECK(result.exit_code == 0);
        CHECK_THAT(result.out, Catch::Contains("verify-clean"));
    }
    lab.dir().write("completion.bash", lab.ctl({"completion", "bash"}).out);
    CHECK(run_program({"bash", "-n", lab.dir() / "completion.bash"}).exit_code == 0);
    CHECK(lab.ctl({"completion", "tcsh"}).exit_code == 2);
}
