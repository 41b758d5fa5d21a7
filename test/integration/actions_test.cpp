// Every container action on a real engine.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

std::string evidence(const Lab& lab, const std::string& name, const std::string& key) {
    const auto status = lab.status(name);
    const auto* targets = status.find("targets");
    if (targets == nullptr || targets->items.empty()) return {};
    const auto* value = targets->items[0].find("faults")->items.at(0).at("evidence", key.c_str());
    return value == nullptr ? std::string{} : value->scalar;
}

bool runs(const Containers& c, const std::string& name) {
    return c.inspect(name, "{{.State.Running}}") == "true";
}

}  // namespace

TEST_CASE("A stopped container is down until the end, then it is started and healthy",
          "[docker][lab]") {
    Containers c;
    const auto web = c.start("web", {.health_check = true});
    Lab lab{c};
    lab.start();
    lab.write("s.yaml",
              experiment("s", by_name(web),
                         "{type: container_stop, parameters: {grace: 1s, duration: 2s}}"));
    lab.expect_phase("s", "Running");
    CHECK_FALSE(runs(c, web));
    CHECK(evidence(lab, "s", "state") == "exited");
    CHECK(evidence(lab, "s", "exit_code") == "143");
    lab.expect_phase("s", "Completed");
    CHECK(lab.field("s", "verdict") == "Pass");
    CHECK(runs(c, web));
    CHECK(lab.condition("s", "RecoveryVerified") == "True Healthy");
}

TEST_CASE_METHOD(Bed,
                 "A stop is undone when its manifest is deleted, and when the controller stops",
                 "[docker]") {
    const auto text =
        experiment("s", by_name(web), "{type: container_stop, parameters: {grace: 1s}}");
    lab.write("s.yaml", text);
    lab.expect_phase("s", "Running");
    lab.remove("s.yaml");
    lab.expect_phase("s", "Aborted");
    CHECK(runs(c, web));
    lab.write("t.yaml",
              experiment("t", by_name(web), "{type: container_stop, parameters: {grace: 1s}}"));
    lab.expect_phase("t", "Running");
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK(runs(c, web));
}

TEST_CASE_METHOD(Bed, "A stop survives the death of the controller and ends on time", "[docker]") {
    lab.write("s.yaml",
              experiment("s", by_name(web),
                         "{type: container_stop, parameters: {grace: 1s, duration: 3s}}"));
    lab.expect_phase("s", "Running");
    lab.stop(SIGKILL);
    lab.start();
    CHECK_FALSE(runs(c, web));
    lab.expect_phase("s", "Completed");
    CHECK(runs(c, web));
    CHECK(lab.field("s", "verdict") == "Pass");
}

TEST_CASE("A restart is a new life of the same container", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    const auto before = c.inspect(web, "{{.State.StartedAt}}");
    Lab lab{c};
    lab.start();
    lab.write("r.yaml",
              experiment("r", by_name(web), "{type: container_restart, parameters: {grace: 1s}}"));
    lab.expect_phase("r", "Completed");
    CHECK(lab.field("r", "verdict") == "Pass");
    CHECK(c.inspect(web, "{{.State.StartedAt}}") != before);
    CHECK(lab.condition("r", "EffectVerified") == "True ReadBack");
}

TEST_CASE("A removed container is gone, and has recovered when somebody made it anew", "[docker]") {
    Containers c;
    const auto web = c.start("web", {.service = "web"});
    Lab lab{c};
    lab.start();
    lab.write("r.yaml",
              experiment("r", by_name(web), "{type: container_remove, parameters: {grace: 1s}}"));
    lab.expect_phase("r", "Recovering");
    CHECK(until([&] { return !evidence(lab, "r", "removed").empty(); }));
    CHECK(c.docker({"ps", "-aq", "--filter", "name=" + web}).empty());
    CHECK(c.start("web", {.service = "web"}) == web);
    lab.expect_phase("r", "Completed");
    CHECK(lab.field("r", "verdict") == "Pass");
}

TEST_CASE("A process inside the container is killed, the container lives on", "[docker][lab]") {
    Containers c;
    const auto web = c.start("web");
    const auto other = c.start("other");
    for (const auto& name : {web, other}) c.docker({"exec", "-d", name, "sleep", "31337"});
    const auto count = [&](const std::string& name) {
        return c.docker({"top", name, "-eo", "pid,args"}).find("sleep 31337") != std::string::npos;
    };
    REQUIRE(until([&] { return count(web) && count(other); }));
    Lab lab{c};
    lab.start();
    lab.write("p.yaml", experiment("p", by_name(web),
                                   "{type: process_kill, parameters: {match: \"sleep 313+7\"}}"));
    lab.expect_phase("p", "Completed");
    CHECK(lab.field("p", "verdict") == "Pass");
    CHECK_FALSE(count(web));
    CHECK(count(other));
    CHECK(runs(c, web));
    CHECK(c.restarts(web) == 0);
    CHECK(evidence(lab, "p", "ended") == "1 of 1");
}

TEST_CASE_METHOD(Bed, "Three repetitions hit three lives, on time", "[docker]") {
    lab.write("k.yaml",
              experiment("k", by_name(web),
                         "{type: container_kill, parameters: {repeat: {count: 3, interval: 2s}}}"));
    lab.expect_phase("k", "Completed", 40s);
    CHECK(c.restarts(web) == 3);
    const auto status = lab.status("k");
    const auto& faults = status.find("targets")->items.at(0).find("faults")->items;
    REQUIRE(faults.size() == 3);
    const auto first = chaos::parse_time(faults[0].text_at("injected_at"));
    const auto last = chaos::parse_time(faults[2].text_at("injected_at"));
    REQUIRE((first && last));
    CHECK(*last - *first >= 3990ms);
    CHECK(*last - *first <= 4900ms);
}

TEST_CASE_METHOD(Bed, "Signals that a process survives are no death, and are not claimed as one",
                 "[docker]") {
    // Process 1 of a container has no handler for HUP, and the kernel then ignores the signal.
    lab.write("k.yaml",
              experiment("k", by_name(web), "{type: container_kill, parameters: {signal: HUP}}"));
    lab.expect_phase("k", "Completed");
    CHECK(lab.field("k", "verdict") == "Pass");
    CHECK(lab.condition("k", "EffectVerified") == "False NoEffectSeen");
    CHECK(c.restarts(web) == 0);
}

TEST_CASE_METHOD(Bed, "The pause annotation undoes the faults, stops the clock, and resumes",
                 "[docker]") {
    const auto text = experiment("p", by_name(web), "{type: container_pause}");
    const auto paused =
        "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata:\n"
        "  name: p\n  annotations: {chaos.sutazai.com/paused: \"true\"}\n" +
        text.substr(text.find("spec:"));
    lab.write("p.yaml", text);
    lab.expect_phase("p", "Running");
    const auto deadline = chaos::parse_time(lab.field("p", "deadline"));
    lab.write("p.yaml", paused);
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    CHECK_FALSE(c.paused(web));
    CHECK(lab.phase("p") == "Running");
    lab.write("p.yaml", text);
    CHECK(until([&] { return c.paused(web); }));
    CHECK(until([&] { return chaos::parse_time(lab.field("p", "deadline")) > deadline; }));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(Bed, "What the annotation pauses is not resumed by hand", "[docker]") {
    auto text = experiment("p", "{service: " + web + "}", "{type: container_pause}");
    text.replace(text.find("name: p"), 7,
                 "name: p, annotations: {chaos.sutazai.com/paused: \"true\"}");
    lab.write("p.yaml", text);
    CHECK(until([&] { return lab.field("p", "paused") == "true"; }));
    const auto answer = lab.ctl({"resume", "p"});
    CHECK(answer.exit_code == 1);
    CHECK_THAT(answer.out, Catch::Contains("paused by the annotation"));
}

TEST_CASE("A live edit moves the deadline and drops a target alone", "[docker]") {
    Containers c;
    const auto a = c.start("a");
    const auto b = c.start("b");
    Lab lab{c};
    lab.start();
    const auto more = std::string{"  safety: {max_affected_services: 2}\n"};
    const auto text =
        experiment("p", by_name(a) + ", " + by_name(b), "{type: container_pause}", more);
    lab.write("p.yaml", text);
    lab.expect_phase("p", "Running");
    CHECK(until([&] { return c.paused(a) && c.paused(b); }));
    lab.write("p.yaml", experiment("p", by_name(b), "{type: container_pause}", more));
    CHECK(until([&] { return !c.paused(a); }));
    CHECK(c.paused(b));
    CHECK(lab.phase("p") == "Running");
    auto shorter = experiment("p", by_name(b), "{type: container_pause}", more);
    shorter.replace(shorter.find("duration: 5m"), 12, "duration: 1s");
    lab.write("p.yaml", shorter);
    lab.expect_phase("p", "Completed");
    CHECK_FALSE(c.paused(b));
    const auto log = lab.log();
    CHECK(log.find("fault injected") != log.rfind("fault injected"));
}
