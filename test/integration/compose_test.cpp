// Containers that Compose makes anew under a fault.
#include <csignal>

#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

const char* const kOneService =
    "  web: {image: 'chaos-test:1', network_mode: none, restart: always}\n";

// Three services, each healthy while /tmp/sick is not there.
std::string shop() {
    std::string text;
    for (const auto* service : {"db", "backend", "frontend"}) {
        text +=
            "  " + std::string{service} +
            ": {image: 'chaos-test:1', network_mode: none, restart: always, healthcheck: {test: "
            "[CMD, test, '!', -e, /tmp/sick], interval: 500ms, timeout: 2s, retries: 1}}\n";
    }
    return text;
}

// A Compose project, taken down after the test.
class Project {
public:
    Project(const Containers& c, const TempDir& dir, const std::string& services = kOneService)
        : host_(c.host()), name_(c.prefix() + "app") {
        // Compose makes project names of what it is given by leaving out what it does not like.
        std::erase(name_, '-');
        file_ = dir / "compose.yaml";
        dir.write("compose.yaml", "version: '2.4'\nservices:\n" + services);
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
    [[nodiscard]] std::string selector(const std::string& service = "web") const {
        return "{selector: {compose_project: " + name_ + ", compose_service: " + service + "}}";
    }
    // "project/service", as the service graph calls it.
    [[nodiscard]] std::string key(const std::string& service) const {
        return name_ + "/" + service;
    }
    // Compose 1 joins by "_", Compose 2 by "-".
    [[nodiscard]] std::string container(const std::string& service) const {
        auto id = compose({"ps", "-q", service}).out;
        return id.substr(0, id.find('\n'));
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

TEST_CASE("A Compose application: its graph, its cascades, and its critical path", "[docker]") {
    Containers c;
    Lab lab{c};
    const Project app{c, lab.dir(), shop()};
    const auto up = app.compose({"up", "-d"});
    INFO(up.out);
    REQUIRE(up.exit_code == 0);
    const std::string dependencies = "dependencies: {backend: [db], frontend: [backend]}\n";
    lab.configure(dependencies, "critical_services: [frontend]");
    lab.start();
    const auto health = [&](const std::string& service) {
        return c.inspect(app.container(service), "{{.State.Health.Status}}");
    };
    for (const auto* service : {"db", "backend", "frontend"}) {
        CHECK(until([&] { return health(service) == "healthy"; }));
    }
    const auto graph = lab.ctl({"graph"});
    CHECK_THAT(graph.out, Catch::Contains(app.key("backend")) && Catch::Contains("healthy"));
    CHECK_THAT(lab.ctl({"graph", "--dot"}).out,
               Catch::Contains("\"" + app.key("backend") + "\" -> \"" + app.key("db") + "\";"));
    CHECK_THAT(lab.ctl({"graph", "-o", "json"}).out, Catch::Contains("\"needs\""));
    // The only provider of a critical service is left alone in safe mode.
    lab.write("a.yaml", experiment("a", app.selector("db"), "{type: container_pause}"));
    lab.expect_phase("a", "Rejected");
    CHECK_THAT(lab.field("a", "message"), Catch::Contains("only provider of critical service"));
    // Without critical services it is hit, and who depends on it suffers.
    lab.configure(dependencies);
    lab.write("b.yaml", experiment("b", app.selector("db"),
                                   "{type: container_pause, parameters: {duration: 3s}}",
                                   "  recovery_timeout: 30s\n"));
    lab.expect_phase("b", "Running");
    c.docker({"exec", app.container("backend"), "busybox", "touch", "/tmp/sick"});
    const auto measured = [&](const std::string& key) {
        const auto status = lab.status("b");
        const auto* node = status.find("measured");
        return node == nullptr ? std::string{} : node->text_at(key);
    };
    CHECK(until([&] { return measured("cascade_depth") == "1"; }));
    CHECK(measured("services_affected") == "2");
    lab.expect_phase("b", "Recovering");
    c.docker({"exec", app.container("backend"), "busybox", "rm", "/tmp/sick"});
    lab.expect_phase("b", "Completed", 40s);
    CHECK(lab.field("b", "verdict") == "Pass");
}
