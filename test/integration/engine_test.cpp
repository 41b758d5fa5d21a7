// Engines that are not there, come, go and come back.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"
#include "test/support/paths.h"

using namespace chaos::test;

namespace {

// An engine of this test's own, which it may stop.
class OwnEngine {
public:
    ~OwnEngine() { run_program({kScript, "stop", dir()}); }
    void start() const {
        const auto started = run_program({kScript, "start", dir(), "--own-network"});
        INFO(started.out);
        REQUIRE(started.exit_code == 0);
        const auto loaded = run_program({source_dir() + "/test/support/test-image.sh", host()});
        INFO(loaded.out);
        REQUIRE(loaded.exit_code == 0);
    }
    // As a crash: the containers live on below their shims.
    void kill() const {
        const auto pid = std::stoi(read_text(dir() + "/dockerd.pid"));
        ::kill(pid, SIGKILL);
        REQUIRE(until([&] { return ::kill(pid, 0) != 0 || zombie(pid); }));
    }
    [[nodiscard]] std::string dir() const { return temp_ / "d"; }
    [[nodiscard]] std::string host() const { return "unix://" + dir() + "/docker.sock"; }

private:
    static bool zombie(int pid) {
        return read_text("/proc/" + std::to_string(pid) + "/stat").find(") Z ") !=
               std::string::npos;
    }
    const std::string kScript = source_dir() + "/test/support/private-dockerd.sh";
    TempDir temp_;
};

}  // namespace

TEST_CASE("An engine that is not there at the start is waited for", "[docker]") {
    const OwnEngine engine;
    Lab lab{engine.host()};
    lab.start({}, false);
    lab.write("k.yaml", experiment("k", "{service: \"*web\"}", "{type: container_kill}",
                                   "  on_no_targets: wait\n"));
    lab.expect_phase("k", "Pending");
    CHECK(lab.condition("k", "TargetsSelected") == "Unknown EngineUnavailable");
    CHECK_THAT(lab.http("/readyz"),
               Catch::StartsWith("HTTP/1.1 503") && Catch::Contains("Docker does not answer"));
    engine.start();
    Containers c{engine.host()};
    const auto web = c.start("web");
    lab.expect_phase("k", "Completed");
    CHECK(c.restarts(web) == 1);
}

TEST_CASE("An engine that goes away and comes back is found again, and pauses end on time",
          "[docker]") {
    const OwnEngine engine;
    engine.start();
    Containers c{engine.host()};
    const auto web = c.start("web");
    Lab lab{c};
    lab.start();
    lab.write("p.yaml", experiment("p", "{service: " + web + "}",
                                   "{type: container_pause, parameters: {duration: 3s}}"));
    lab.expect_phase("p", "Running");
    engine.kill();
    CHECK(until([&] { return lab.http("/readyz").starts_with("HTTP/1.1 503"); }));
    engine.start();
    lab.expect_phase("p", "Completed", 40s);
    CHECK_FALSE(c.paused(web));
    lab.write("k.yaml", experiment("k", "{service: " + web + "}", "{type: container_kill}"));
    lab.expect_phase("k", "Completed", 40s);
    CHECK_THAT(lab.http("/readyz"), Catch::StartsWith("HTTP/1.1 200"));
}
