// What users of other tools have run into, on a real engine.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

// What the status says of the only target.
std::string of_target(const Lab& lab, const std::string& name, const std::string& key) {
    const auto status = lab.status(name);
    const auto* targets = status.find("targets");
    return targets == nullptr || targets->items.empty() ? "" : targets->items[0].text_at(key);
}

bool has_event(const Lab& lab, const std::string& name, const std::string& reason) {
    const auto status = lab.status(name);
    const auto* events = status.find("events");
    if (events == nullptr) return false;
    for (const auto& event : events->items) {
        if (event.text_at("reason") == reason) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("A target that crashes over and over is hit in one of its lives, and told as it is",
          "[docker]") {
    Containers c;
    // Lives for 300 ms, so Docker's delay grows: 100 ms, 200 ms, 400 ms, …
    const auto loop = c.start("loop", {.command = {"sh", "-c", "sleep 0.3; exit 1"}});
    REQUIRE(until([&] { return c.restarts(loop) >= 2; }));
    Lab lab{c};
    lab.start();
    lab.write("k.yaml", experiment("k", by_name(loop), "{type: container_kill}",
                                   "  on_no_targets: wait\n  recovery_timeout: 30s\n"));
    lab.expect_phase("k", "Completed", 60s);
    CHECK(of_target(lab, "k", "phase") == "Recovered");
    CHECK(lab.condition("k", "EffectVerified") == "True ReadBack");
    lab.write("p.yaml",
              experiment("p", by_name(loop), "{type: container_pause, parameters: {duration: 1s}}",
                         "  on_no_targets: wait\n  recovery_timeout: 30s\n"));
    lab.expect_phase("p", "Completed", 60s);
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK_FALSE(c.paused(loop));
}

TEST_CASE_METHOD(Bed, "Docker's growing restart delay is told apart from the recovery",
                 "[docker]") {
    // Each life is shorter than 10 s, so Docker waits longer and longer.
    lab.write("k.yaml", experiment("k", by_name(web),
                                   "{type: container_kill, parameters: "
                                   "{repeat: {count: 4, interval: 2s}}}"));
    lab.expect_phase("k", "Completed", 60s);
    const auto delay = std::stod(of_target(lab, "k", "restart_delay"));
    const auto total = std::stod(of_target(lab, "k", "time_to_running"));
    // The fourth death is followed by 800 ms at least (moby restartmanager: 100 ms doubled).
    CHECK(delay >= 0.8);
    CHECK(total >= delay);
    CHECK(total - delay < 0.8);
}

TEST_CASE("Two experiments on one pool hit two containers, or one says why not", "[docker]") {
    Containers c;
    for (int i = 0; i < 3; ++i) c.start("w" + std::to_string(i));
    const auto pool = "{service: \"" + c.prefix() + "w*\", mode: fixed, value: 1}";
    Lab lab{c};
    lab.start();
    lab.write("a.yaml", experiment("a", pool, "{type: container_pause}"));
    lab.expect_phase("a", "Running");
    lab.write("b.yaml", experiment("b", pool, "{type: container_pause}"));
    REQUIRE(until([&] {
        const auto phase = lab.phase("b");
        return phase == "Running" || phase == "Rejected";
    }));
    if (lab.phase("b") == "Running") {
        CHECK(lab.targets("a") != lab.targets("b"));
    } else {
        CHECK(lab.field("b", "message").find("is held by experiment a") != std::string::npos);
    }
    CHECK(c.paused(lab.targets("a").at(0)));
    lab.remove("a.yaml");
    lab.remove("b.yaml");
    for (int i = 0; i < 3; ++i) {
        CHECK(until([&] { return !c.paused(c.prefix() + "w" + std::to_string(i)); }));
    }
}

TEST_CASE("Regular expressions, labels (all of them) and exclude choose as written", "[docker]") {
    Containers c;
    const auto ours = "team=" + c.prefix();
    const auto a = c.start("api-1", {.labels = {ours, "tier=front"}});
    const auto b = c.start("api-2", {.labels = {ours, "tier=back"}});
    const auto d = c.start("db-1", {.labels = {ours, "tier=back"}});
    Lab lab{c};
    lab.start();
    const auto hit = [&](const std::string& name, const std::string& target) {
        lab.write(name + ".yaml",
                  experiment(name, target, "{type: container_pause, parameters: {duration: 1s}}",
                             "  safety: {max_affected_services: 9}\n"));
        lab.expect_phase(name, "Completed");
        return lab.targets(name);
    };
    using Names = std::vector<std::string>;
    const auto labels = "labels: {team: " + c.prefix() + ", tier: back}";
    CHECK(hit("labels", "{selector: {" + labels + "}, mode: all}") == Names{b, d});
    CHECK(hit("regex", "{selector: {name_regex: \"^" + c.prefix() + "api-[0-9]$\"}, mode: all}") ==
          Names{a, b});
    CHECK(hit("exclude", "{selector: {" + labels +
                             "}, exclude: {names: [\"*-db-*\"]}, mode: all}") == Names{b});
    CHECK(hit("expression", "{selector: {labels: {team: " + c.prefix() +
                                "}, label_expressions: [{key: tier, operator: NotIn, "
                                "values: [back]}]}, mode: all}") == Names{a});
}

TEST_CASE("A stop heeds the container's own stop signal, and health is awaited after it",
          "[docker]") {
    Containers c;
    // Ends at once by SIGUSR1, which is its stop signal, and is deaf to SIGTERM.
    const auto web = c.start(
        "web",
        {.health_check = true,
         .options = {"--stop-signal", "SIGUSR1"},
         .command = {"sh", "-c", "trap '' TERM; trap 'exit 7' USR1; while :; do sleep 0.1; done"}});
    Lab lab{c};
    lab.start();
    lab.write("s.yaml",
              experiment("s", by_name(web),
                         "{type: container_stop, parameters: {grace: 20s, duration: 1s}}"));
    lab.expect_phase("s", "Completed", 15s);  // had it waited for its grace, it would take longer
    CHECK(lab.condition("s", "EffectVerified") == "True ReadBack");
    CHECK_FALSE(of_target(lab, "s", "time_to_healthy").empty());
    CHECK(c.inspect(web, "{{.State.Health.Status}}") == "healthy");
}

TEST_CASE("What others do to a paused target is told, and only what is ours is undone",
          "[docker]") {
    Containers c;
    const auto gone = c.start("gone");
    const auto down = c.start("down");
    const auto free = c.start("free");
    Lab lab{c};
    lab.start();
    for (const auto& [name, target] : {std::pair{"gone", gone}, {"down", down}, {"free", free}}) {
        lab.write(
            std::string{name} + ".yaml",
            experiment(name, by_name(target), "{type: container_pause, parameters: {duration: 4s}}",
                       "  recovery_timeout: 1s\n"));
        lab.expect_phase(name, "Running");
    }
    c.docker({"rm", "-f", gone});
    c.docker({"stop", "-t", "1", down});
    c.docker({"unpause", free});
    CHECK(until([&] { return of_target(lab, "gone", "state") == "gone"; }));
    CHECK(until([&] { return of_target(lab, "down", "state") == "exited"; }));
    CHECK(until([&] { return c.paused(free); }));  // put back, while it is wanted
    for (const auto* name : {"gone", "down", "free"}) lab.expect_phase(name, "Completed");
    CHECK(of_target(lab, "gone", "phase") == "Gone");
    CHECK(lab.field("gone", "verdict") == "Pass");  // a vanished target counts as recovered
    CHECK(lab.field("down", "reason") == "TargetDown");
    CHECK(c.inspect(down, "{{.State.Running}}") == "false");  // somebody wanted it so
    CHECK((has_event(lab, "down", "TargetDown") || has_event(lab, "down", "TargetChanged")));
    CHECK(lab.field("free", "verdict") == "Pass");
}
