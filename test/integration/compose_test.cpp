// Containers that Compose makes anew under a fault.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

// A Compose project of one service, taken down after the test.
class Project {
public:
    Project(const Containers& c, const TempDir& dir) : host_(c.host()), name_(c.prefix() + "app") {
        // Compose makes project names of what it is given by leaving out what it does not like.
        std::erase(name_, '-');
        file_ = dir / "compose.yaml";
        dir.write("compose.yaml",
                  "version: '2.4'\n"
                  "services:\n"
                  "  web: {image: 'chaos-test:1', network_mode: none, restart: always}\n");
    }
    Project(const Project&) = delete;
    Project& operator=(const Project&) = delete;
    ~Project() { static_cast<void>(compose({"kill"})), static_cast<void>(compose({"down"})); }

    [[nodiscard]] Finished compose(std::vector<std::string> arguments) const {
        std::vector<std::string> argv{"docker-compose", "-H", host_, "-p", name_, "-f", file_};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return run_program(argv);
    }
    [[nodiscard]] std::string id() const {
        auto id = compose({"ps", "-q", "web"}).out;
        return id.substr(0, id.find('\n'));
    }
    [[nodiscard]] std::string selector() const {
        return "{selector: {compose_project: " + name_ + ", compose_service: web}}";
    }

private:
    std::string host_;
    std::string name_;
    std::string file_;
};

}  // namespace

TEST_CASE("A container that Compose recreates during its pause is paused again", "[docker]") {
    Containers c;
    Lab lab{c};
    const Project app{c, lab.dir()};
    const auto up = app.compose({"up", "-d"});
    INFO(up.out);
    REQUIRE(up.exit_code == 0);
    lab.start();
    lab.write("p.yaml", experiment("p", app.selector(), "{type: container_pause}"));
    lab.expect_phase("p", "Running");
    const auto first = app.id();
    CHECK(c.paused(first));
    const auto again = app.compose({"up", "-d", "--force-recreate", "-t", "1"});
    INFO(again.out);
    REQUIRE(again.exit_code == 0);
    const auto second = app.id();
    CHECK(second != first);
    CHECK(until([&] { return c.paused(second); }));
    CHECK(until([&] { return lab.field("p", "phase") == "Running"; }));
    CHECK(lab.targets("p").size() == 1);
    const auto removed = app.compose({"rm", "-f", "-s", "web"});
    CHECK(lab.phase("p") == "Running");
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("A container that was removed by a fault has recovered when Compose made it anew",
          "[docker]") {
    Containers c;
    Lab lab{c};
    const Project app{c, lab.dir()};
    REQUIRE(app.compose({"up", "-d"}).exit_code == 0);
    lab.start();
    lab.write("r.yaml",
              experiment("r", app.selector(), "{type: container_remove, parameters: {grace: 1s}}"));
    lab.expect_phase("r", "Recovering");
    REQUIRE(app.compose({"up", "-d"}).exit_code == 0);
    lab.expect_phase("r", "Completed");
    CHECK(lab.field("r", "verdict") == "Pass");
}
