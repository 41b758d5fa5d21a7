#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "controller/app/config_source.h"
#include "controller/config/decode.h"
#include "controller/config/monkey.h"
#include "controller/manifest/decode.h"
#include "controller/manifest/schema.h"
#include "test/support/paths.h"
#include "test/support/temp_dir.h"

namespace chaos::config {
namespace {

using namespace std::chrono_literals;

std::string problem_of(const std::string& text) {
    const auto document = decode(text);
    REQUIRE_FALSE(document.problems.empty());
    CHECK_FALSE(document.config);
    return manifest::render("c.yaml", document.problems[0]);
}

}  // namespace

TEST_CASE("A configuration without fields is all defaults, and the schema's are the code's") {
    const auto document = decode("{}");
    REQUIRE(document.config);
    CHECK(*document.config == Config{});
}

TEST_CASE("An empty text is no configuration: it may be one that is only being written") {
    for (const auto* text : {"", "\n", "# Protects much, as follows.\n"}) {
        CHECK(problem_of(text) ==
              "c.yaml:1:1: found nothing, expected a configuration; {} is one with every default");
    }
}

TEST_CASE("A configuration that may still be being written changes nothing") {
    const test::TempDir dir;
    const auto path = dir / "c.yaml";
    const auto write = [&](const std::string& text) { std::ofstream{path} << text; };
    write("safety: {protected_services: [db]}\n");
    app::ConfigSource source{path};
    REQUIRE(source.read());
    const auto before = source.config();
    // As an editor does it: away, empty, half of it, all of it.
    std::filesystem::remove(path);
    CHECK_FALSE(source.read_settled(false));
    write("");
    CHECK_FALSE(source.read_settled(false));
    write("global: {max_concurrent_experiments: 2}\n");
    CHECK_FALSE(source.read_settled(false));
    CHECK(source.config() == before);
    CHECK(source.problems().empty());
    // Closed, it counts at once.
    write("global: {max_concurrent_experiments: 2}\nsafety: {protected_services: [db, web]}\n");
    CHECK(source.read_settled(true));
    CHECK(source.config()->safety.protected_services.size() == 2);
    // An empty one never does.
    write("");
    CHECK(source.read_settled(true));
    CHECK(source.config()->safety.protected_services.size() == 2);
    CHECK(source.problems().size() == 1);
    // Without anybody telling of its end: after a while.
    write("safety: {protected_services: [db]}\n");
    CHECK_FALSE(source.read_settled(false));
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!source.read_settled(false) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(10ms);
    }
    CHECK(source.config()->safety.protected_services.size() == 1);
    CHECK(source.problems().empty());
}

TEST_CASE("A configuration that is not there is told, and told once") {
    const test::TempDir dir;
    const auto path = dir / "c.yaml";
    app::ConfigSource source{path};
    CHECK(source.read());
    CHECK(source.problems().size() == 1);
    CHECK_FALSE(source.config());
    CHECK_FALSE(source.read());
    std::ofstream{path} << "{}";
    CHECK(source.read_settled(true));
    REQUIRE(source.config());
    CHECK(source.problems().empty());
    std::filesystem::remove(path);
    CHECK(source.read_settled(true));
    CHECK(source.problems().size() == 1);
    CHECK(source.config());
    CHECK_FALSE(source.read_settled(true));
    CHECK_FALSE(source.read_settled(false));
    CHECK_FALSE(source.unsettled());
}

TEST_CASE("The configuration of the documentation is read as it stands") {
    const auto document = decode(test::read_text(test::source_dir() + "/deploy/chaos-config.yaml"));
    for (const auto& problem : document.problems) FAIL(manifest::render("c", problem));
    REQUIRE(document.config);
    const auto& config = *document.config;
    CHECK(config.safety.protected_services.size() == 4);
    REQUIRE(config.safety.maintenance_windows.size() == 1);
    CHECK(config.safety.maintenance_windows[0].days == std::bitset<7>{"0101010"});
    CHECK(config.safety.maintenance_windows[0].start == 2h);
    CHECK(config.dependencies.at("backend") ==
          std::vector<std::string>{"postgres", "redis", "ollama"});
    CHECK(config.custom_actions.at("custom_action").timeout == 30s);
}

TEST_CASE("What is wrong in a configuration is told with its place") {
    CHECK(problem_of("safety: {max_cpu_usge: 5}") ==
          "c.yaml:1:10: safety.max_cpu_usge: unknown field; did you mean \"max_cpu_usage\"?");
    CHECK_THAT(problem_of("safety: {max_cpu_usage: 101}"), Catch::Contains("from 0 to 100"));
    CHECK_THAT(problem_of("safety: {maintenance_windows: [{start: 2:00, end: \"04:00\"}]}"),
               Catch::Contains("expected a time of day such as 02:00"));
    CHECK_THAT(problem_of("safety: {maintenance_windows: [{start: \"24:00\", end: \"04:00\"}]}"),
               Catch::Contains("found 24:00"));
    CHECK_THAT(problem_of("safety: {time_zone: Nowhere}"), Catch::Contains("an IANA time zone"));
    CHECK_THAT(problem_of("safety: {blackout_dates: [christmas]}"),
               Catch::Contains("expected a date such as 2026-12-24"));
    CHECK_THAT(problem_of("safety: {incidents: {alertmanager: \"https://x\"}}"),
               Catch::Contains("expected a URL such as http://"));
    CHECK_THAT(
        problem_of("custom_actions: {x: {inject: [echo]}}"),
        Catch::Contains("custom_actions.x.inject[0]: found \"echo\", expected the absolute"));
    CHECK_THAT(problem_of("custom_actions: {container_kill: {inject: [/bin/true]}}"),
               Catch::Contains("an action type of that name already"));
    CHECK_THAT(problem_of("custom_actions: {Bad-Name: {inject: [/bin/true]}}"),
               Catch::Contains("a-z, 0-9 and _"));
    CHECK_THAT(problem_of("notifications: [{type: slack}]"), Catch::Contains("not supported"));
    CHECK_THAT(problem_of("a: 1\n---\nb: 2\n"), Catch::Contains("a second document"));
    CHECK_THAT(problem_of("[1, 2]"), Catch::Contains("a map of fields"));
}

TEST_CASE("A monkey's schedule is checked as the experiment that it makes") {
    const auto with = [](const std::string& fields) {
        return "chaos_monkey: {schedules: [{name: a, target_services: [web]" + fields + "}]}";
    };
    CHECK_THAT(problem_of(with(", experiment_type: container_kil, frequency: daily")),
               Catch::Contains("experiment_type: found \"container_kil\"") &&
                   Catch::Contains("did you mean \"container_kill\""));
    CHECK_THAT(problem_of(with(", experiment_type: process_kill, frequency: daily")),
               Catch::Contains("process_kill needs it"));
    CHECK_THAT(problem_of(with(", experiment_type: container_kill")), Catch::Contains("neither"));
    CHECK_THAT(problem_of(with(", experiment_type: container_kill, frequency: daily, "
                               "schedule_pattern: \"@daily\"")),
               Catch::Contains("both"));
    CHECK_THAT(problem_of(with(", experiment_type: container_kill, schedule_pattern: once")),
               Catch::Contains("expected a schedule that recurs"));
    CHECK_THAT(problem_of("chaos_monkey: {schedules: [{name: a, target_services: [web=0], "
                          "experiment_type: container_kill, frequency: daily}]}"),
               Catch::Contains("NAME=WEIGHT"));
    CHECK_THAT(problem_of(with(", experiment_type: cpu_stress, intensity: high, frequency: daily")),
               Catch::Contains("expected low or medium in safe mode"));
}

TEST_CASE("A schedule becomes an experiment that fits the mode") {
    const auto document = decode(
        "chaos_monkey: {schedules: [{name: kill, experiment_type: container_kill, "
        "schedule_pattern: \"0 3 * * *\", target_services: [web=3, api], probability: 0.5, "
        "safe_mode: false}]}");
    REQUIRE(document.config);
    const auto& schedule = document.config->monkey.schedules.at(0);
    CHECK_FALSE(takes_place(schedule, MonkeyMode::kSafe));
    CHECK(takes_place(schedule, MonkeyMode::kProduction));
    const auto made = manifest::decode(manifest_of(schedule, MonkeyMode::kProduction));
    REQUIRE(made.at(0).experiment);
    const auto& experiment = *made[0].experiment;
    CHECK(experiment.metadata.name == "monkey-kill");
    CHECK(experiment.spec.schedule == Schedule::kRecurring);
    CHECK(std::holds_alternative<Cron>(*experiment.spec.recurrence));
    CHECK_FALSE(experiment.spec.safety.safe_mode);
    CHECK(experiment.spec.safety.max_affected_services == 1);
    CHECK(experiment.spec.targets.at(0).weight == 3);
    CHECK(experiment.spec.scenarios.at(0).probability == 0.5);
    const auto aggressive = manifest::decode(manifest_of(schedule, MonkeyMode::kAggressive));
    CHECK(std::get<Every>(*aggressive.at(0).experiment->spec.recurrence).interval == 1s);
}

TEST_CASE("Custom actions make their types known to manifests") {
    const auto config =
        decode("custom_actions: {custom_action: {inject: [/bin/a, b], undo: [/bin/c]}}");
    REQUIRE(config.config);
    const auto text = test::read_text(test::source_dir() + "/manifests/custom-experiment.yaml");
    const auto documents = manifest::decode(text, config.config->custom_actions);
    REQUIRE(documents.at(0).experiment);
    const auto& action = documents[0].experiment->spec.scenarios.at(0).actions.at(0);
    const auto& fault = std::get<CustomFault>(action.fault);
    CHECK(fault.action.inject == std::vector<std::string>{"/bin/a", "b"});
    CHECK(fault.parameters == R"({"duration":"5m","intensity":"medium"})");
    CHECK(action.duration == 5min);
    CHECK_FALSE(is_instant(action.fault));
}

}  // namespace chaos::config
