#include "controller/safety/gates.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "controller/safety/host_usage.h"
#include "controller/safety/incidents.h"
#include "test/support/temp_dir.h"

namespace chaos::safety {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = parse_time("2026-11-24T02:30:00Z").value();  // a Tuesday

struct Scene {
    Config config;
    Standing standing;
    Readings readings{.host = HostUsage{10, 20},
                      .host_error = {},
                      .incidents = std::vector<std::string>{},
                      .incidents_error = {},
                      .health = HealthCount{.healthy = 10, .total = 10, .ill = {}}};
    Question question;

    [[nodiscard]] std::vector<std::string> closed() const {
        std::vector<std::string> reasons;
        for (const auto& gate : closed_gates(config, standing, readings, question, kNow)) {
            reasons.push_back(gate.reason);
        }
        return reasons;
    }
    [[nodiscard]] std::string message() const {
        const auto gates = closed_gates(config, standing, readings, question, kNow);
        return gates.empty() ? "" : gates[0].message;
    }
};

using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("A quiet host lets an experiment in") { CHECK(Scene{}.closed().empty()); }

TEST_CASE("Each figure closes its gate above its limit, and not at it") {
    Scene scene;
    scene.readings.host->cpu_percent = 85;
    CHECK(scene.closed().empty());
    scene.readings.host->cpu_percent = 85.1;
    CHECK(scene.closed() == Reasons{"CpuUsage"});
    CHECK(scene.message() ==
          "the host's CPU usage is 85.1 %, expected at most 85.0 (safety.max_cpu_usage)");
    scene.config.safety.max_cpu_usage = 100;
    scene.readings.host->cpu_percent = 100;
    CHECK(scene.closed().empty());
    scene.readings.host->memory_percent = 90;
    CHECK(scene.closed().empty());
    scene.readings.host->memory_percent = 90.1;
    CHECK(scene.closed() == Reasons{"MemoryUsage"});
}

TEST_CASE("Eight of ten services suffice, seven do not") {
    Scene scene;
    scene.readings.health = HealthCount{.healthy = 8, .total = 10, .ill = {"a", "b"}};
    CHECK(scene.closed().empty());
    scene.readings.health = HealthCount{.healthy = 7, .total = 10, .ill = {"a", "b", "c"}};
    CHECK(scene.closed() == Reasons{"UnhealthyServices"});
    CHECK_THAT(scene.message(),
               Catch::Contains("7 of 10 services are healthy (70.0 %), expected at "
                               "least 80.0 %") &&
                   Catch::Contains("a, b, c"));
    scene.readings.health = HealthCount{};
    CHECK(scene.closed().empty());
}

TEST_CASE("What is not known closes its gate") {
    Scene scene;
    scene.readings.host.reset();
    scene.readings.host_error = "no /proc";
    CHECK(scene.closed() == Reasons{"HostUnknown"});
    scene = {};
    scene.readings.incidents.reset();
    scene.readings.incidents_error = "Alertmanager: refused";
    CHECK(scene.closed() == Reasons{"IncidentsUnknown"});
    scene = {};
    scene.readings.health.reset();
    CHECK(scene.closed() == Reasons{"HealthUnknown"});
    scene = {};
    scene.standing.configured = false;
    CHECK(scene.closed() == Reasons{"ConfigInvalid"});
}

TEST_CASE("What is not known yet lets nobody in, and what runs go on for a moment") {
    Scene scene;
    scene.readings = {};
    const Reasons all{"IncidentsUnknown", "HealthUnknown", "HostUnknown"};
    CHECK(scene.closed() == all);
    scene.readings.settling = true;
    CHECK(scene.closed() == all);
    scene.question.begun = true;
    CHECK(scene.closed().empty());
    scene.readings.settling = false;
    CHECK(scene.closed() == all);
    // What is known counts at once.
    scene.readings.settling = true;
    scene.readings.incidents = {"DiskFull"};
    CHECK(scene.closed() == Reasons{"Incident"});
}

TEST_CASE("What only a restart brings into force keeps the next one out") {
    Scene scene;
    scene.standing.restart = "docker.host is unix:///a, in use is unix:///b";
    CHECK(scene.closed() == Reasons{"RestartNeeded"});
    scene.question.begun = true;
    CHECK(scene.closed().empty());
}

TEST_CASE("An incident closes, an emergency stop closes first") {
    Scene scene;
    scene.readings.incidents = {"DiskFull on db-1"};
    CHECK(scene.closed() == Reasons{"Incident"});
    CHECK(scene.message() == "ongoing: DiskFull on db-1");
    scene.standing.halted = "SIGUSR1";
    CHECK(scene.closed() == Reasons{"EmergencyStop", "Incident"});
}

TEST_CASE("Concurrency and a stop under way concern only those that have not begun") {
    Scene scene;
    scene.question.running = 1;
    CHECK(scene.closed() == Reasons{"Concurrency"});
    scene.config.global.max_concurrent_experiments = 2;
    CHECK(scene.closed().empty());
    scene.question.running = 2;
    scene.standing.draining = true;
    CHECK(scene.closed() == Reasons{"Stopping", "Concurrency"});
    scene.question.begun = true;
    CHECK(scene.closed().empty());
    scene = {};
    scene.config.global.max_concurrent_experiments = 0;
    CHECK(scene.closed() == Reasons{"Concurrency"});
}

TEST_CASE("What is not safe runs only inside a window, also while it runs") {
    Scene scene;
    scene.question.safe_mode = false;
    scene.question.begun = true;
    CHECK(scene.closed() == Reasons{"OutsideWindow"});
    CHECK_THAT(scene.message(), Catch::Contains("maintenance_windows has none"));
    scene.config.safety.maintenance_windows = {
        {.days = std::bitset<7>{"0000100"}, .start = 2h, .end = 3h, .time_zone = "UTC"}};
    CHECK(scene.closed().empty());
    scene.config.safety.maintenance_windows[0].end = 2h + 30min;
    CHECK(scene.closed() == Reasons{"OutsideWindow"});
    CHECK_THAT(scene.message(), Catch::Contains("opens at 2026-12-01T02:00:00.000Z"));
    scene.question.safe_mode = true;
    CHECK(scene.closed().empty());
}

TEST_CASE("A blackout date closes for all; one that cannot be read closes as well") {
    Scene scene;
    scene.config.safety.blackout_dates = {"2026-11-23"};
    CHECK(scene.closed().empty());
    scene.config.safety.blackout_dates = {"2026-11-20/2026-11-24"};
    CHECK(scene.closed() == Reasons{"Blackout"});
    scene.config.safety.blackout_dates = {"no date"};
    CHECK(scene.closed() == Reasons{"Blackout"});
}

TEST_CASE("The host's figures are read as proc(5) has them") {
    const auto ticks = parse_stat("cpu  100 5 50 800 45 1 2 3 7 0\ncpu0 1 1 1 1\n");
    REQUIRE(ticks);
    CHECK(ticks->total == 1006);
    CHECK(ticks->busy == 161);
    CHECK_FALSE(parse_stat(""));
    CHECK_FALSE(parse_stat("cpu 1 2 3\n"));
    CHECK_FALSE(parse_stat("cpu a b c d e f g h\n"));
    CHECK(parse_meminfo("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n").value() ==
          Approx(75));
    CHECK_FALSE(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n"));
    CHECK_FALSE(parse_meminfo("MemTotal: 5 kB\n"));
}

TEST_CASE("A real host's usage lies between 0 and 100 percent") {
    HostMeter meter;
    const TimePoint start{};
    CHECK_FALSE(meter.sample(start));
    Result<HostUsage> usage = fail(ErrorCode::kUnavailable, "");
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!usage && std::chrono::steady_clock::now() < until) usage = meter.sample(start + 1s);
    REQUIRE(usage);
    CHECK(usage->cpu_percent >= 0);
    CHECK(usage->cpu_percent <= 100);
    CHECK(usage->memory_percent > 0);
    CHECK(usage->memory_percent < 100);
}

TEST_CASE("An incident file counts while it is there and not empty") {
    const test::TempDir dir;
    const std::string path = dir / "incident";
    CHECK(read_incident_file(path).value().empty());
    std::ofstream{path} << "";
    CHECK(read_incident_file(path).value().empty());
    std::ofstream{path} << "INC-1234 database is slow\nmore\n";
    CHECK(read_incident_file(path).value().at(0) == "INC-1234 database is slow (" + path + ")");
    CHECK_FALSE(read_incident_file(dir / "gone/incident"));
    CHECK_FALSE(read_incident_file(dir.path()));
}

TEST_CASE("An incident file that is none closes the gate and waits for nobody") {
    const test::TempDir dir;
    REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
    for (const auto& path : {dir / "pipe", dir / ""}) {
        CHECK_THAT(read_incident_file(path).error().context,
                   Catch::Contains("expected a regular file"));
    }
}

TEST_CASE("Alertmanager's answer is read, and what is none is an error") {
    CHECK(parse_alerts("[]").value().empty());
    const auto alerts = parse_alerts(
        R"([{"labels":{"alertname":"Down","instance":"db:1"}},{"labels":{"alertname":"Slow"}}])");
    CHECK(alerts.value() == std::vector<std::string>{"Down on db:1", "Slow"});
    CHECK_FALSE(parse_alerts("{}"));
    CHECK_FALSE(parse_alerts("{\"code\": 500}"));
    CHECK_FALSE(parse_alerts("no JSON"));
    CHECK_THAT(alerts_query({"severity=\"critical\""}),
               Catch::Contains("&filter=severity%3D%22critical%22"));
}

}  // namespace chaos::safety
