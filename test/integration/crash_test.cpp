// What is left when the controller, its guard, or both are killed.
#include <csignal>
#include <filesystem>

#include "test/integration/garbling_proxy.h"
#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

bool runs(const Containers& c, const std::string& name) {
    return c.inspect(name, "{{.State.Running}}") == "true";
}

}  // namespace

TEST_CASE("The guard undoes everything when the controller is killed and none comes back",
          "[docker][lab]") {
    Containers c;
    const auto frozen = c.start("frozen");
    const auto stopped = c.start("stopped");
    Lab lab{c};
    lab.start({"--guard-grace", "300ms"});
    lab.write("p.yaml", experiment("p", by_name(frozen), "{type: container_pause}"));
    lab.write("s.yaml",
              experiment("s", by_name(stopped), "{type: container_stop, parameters: {grace: 1s}}"));
    lab.expect_phase("p", "Running");
    lab.expect_phase("s", "Running");
    CHECK(lab.stop(SIGKILL) == 128 + SIGKILL);
    CHECK(until([&] { return !c.paused(frozen) && runs(c, stopped); }));
    CHECK(until([&] { return guards_of(lab).empty(); }));
    lab.start();
    lab.expect_phase("p", "Aborted");
    lab.expect_phase("s", "Aborted");
    CHECK(lab.field("p", "reason") == "ControllerLost");
    CHECK_FALSE(c.paused(frozen));
    CHECK(runs(c, stopped));
}

TEST_CASE("The guard leaves a new controller alone", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    lab.start({"--guard-grace", "1s"});
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    const auto old_guards = guards_of(lab);
    REQUIRE(old_guards.size() == 1);
    lab.stop(SIGKILL);
    lab.start({"--guard-grace", "1s"});
    CHECK(until([&] {
        const auto now = guards_of(lab);
        return now.size() == 1 && now != old_guards;
    }));
    CHECK(c.paused(web));
    CHECK(lab.phase("p") == "Running");
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
}

TEST_CASE_METHOD(Bed, "Controllers that fail over and over keep no fault beyond its end",
                 "[docker]") {
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 2s}}"));
    lab.expect_phase("p", "Running");
    lab.stop(SIGKILL);
    // Each takes the state over, starts a guard of its own and fails: sooner than any grace ends.
    CHECK(until(
        [&] {
            const auto code = lab.fail_to_start({"--control-socket", "/nonexistent/socket"});
            CHECK(code == 1);
            return !c.paused(web);
        },
        10s));
    CHECK(until([&] { return guards_of(lab).empty(); }));
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("A stop that is under way when the controller is killed is waited for and undone",
          "[docker]") {
    Containers c;
    // As PID 1 it has no default actions: a stop takes its whole grace.
    const auto web = c.start("web", {.command = {"sleep", "2147483647"}});
    TempDir dir;
    const GarblingProxy proxy{dir / "docker.sock", c.host().substr(7), "/stop", "HTTP/1.1 2"};
    Lab lab{proxy.host()};
    lab.start({"--guard-grace", "300ms"});
    lab.write("s.yaml",
              experiment("s", by_name(web), "{type: container_stop, parameters: {grace: 2s}}"));
    REQUIRE(until([&] { return proxy.passed() == 1; }));
    const auto life = c.inspect(web, "{{.State.StartedAt}}");
    lab.stop(SIGKILL);
    CHECK(until([&] { return c.inspect(web, "{{.State.StartedAt}}") != life && runs(c, web); }));
    CHECK(until([&] { return guards_of(lab).empty(); }));
    CHECK(runs(c, web));
}

TEST_CASE("A container that was killed for good is started by the guard", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    lab.start({"--guard-grace", "300ms"});
    lab.write("k.yaml",
              experiment("k", by_name(web), "{type: container_kill, parameters: {method: api}}"));
    lab.expect_phase("k", "Recovering");
    CHECK_FALSE(runs(c, web));
    lab.stop(SIGKILL);
    CHECK(until([&] { return runs(c, web); }));
    CHECK(until([&] { return guards_of(lab).empty(); }));
    lab.start();
    lab.expect_phase("k", "Aborted");
    CHECK(lab.field("k", "reason") == "ControllerLost");
    CHECK(until([&] { return lab.condition("k", "RecoveryVerified") == "False RecoveryTimeout"; }));
}

TEST_CASE_METHOD(Bed, "A target that Docker restarts is not said to have been started by anybody",
                 "[docker]") {
    // Deleted right after the kill, while Docker is about to restart the container.
    for (const std::string name : {"k0", "k1", "k2", "k3"}) {
        const auto victim = c.start(name);
        lab.write(name + ".yaml", experiment(name, by_name(victim), "{type: container_kill}"));
        const bool injected = until([&] {
            return lab.log().find("fault injected experiment=" + name) != std::string::npos;
        });
        INFO(lab.log());
        REQUIRE(injected);
        lab.remove(name + ".yaml");
        REQUIRE(until(
            [&] { return lab.log().find("run ended experiment=" + name) != std::string::npos; }));
        CHECK(until([&] { return c.restarts(victim) == 1; }));
    }
    CHECK(lab.log().find("target started") == std::string::npos);
}

TEST_CASE_METHOD(Bed, "SIGTERM does not leave a container dead that was killed for good",
                 "[docker]") {
    lab.write("k.yaml",
              experiment("k", by_name(web), "{type: container_kill, parameters: {method: api}}"));
    lab.expect_phase("k", "Recovering");
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK(runs(c, web));
}

TEST_CASE("A guard that is killed is replaced, and SIGTERM does not end it", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    REQUIRE(until([&] { return guards_of(lab).size() == 1; }));
    const auto first = guards_of(lab).at(0);
    ::kill(first, SIGTERM);
    ::kill(first, SIGKILL);
    CHECK(until([&] {
        const auto now = guards_of(lab);
        return now.size() == 1 && now[0] != first;
    }));
    const auto second = guards_of(lab).at(0);
    ::kill(second, SIGTERM);
    CHECK_THAT(lab.http("/healthz"), Catch::StartsWith("HTTP/1.1 200"));
    CHECK(guards_of(lab) == std::vector{second});
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK(until([&] { return guards_of(lab).empty(); }));
}

TEST_CASE_METHOD(Bed, "With controller and guard both killed, the next start undoes what is due",
                 "[docker]") {
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 1s}}"));
    lab.expect_phase("p", "Running");
    for (const int pid : guards_of(lab)) ::kill(pid, SIGKILL);
    lab.stop(SIGKILL);
    for (const int pid : guards_of(lab)) ::kill(pid, SIGKILL);
    CHECK(c.paused(web));
    lab.start();
    lab.expect_phase("p", "Completed");
    CHECK_FALSE(c.paused(web));
}
