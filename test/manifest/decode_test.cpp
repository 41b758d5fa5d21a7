#include "controller/config/decode.h"
#include "controller/manifest/decode.h"

#include <filesystem>
#include <random>

#include "controller/manifest/schema.h"
#include "test/support/catch.h"
#include "test/support/paths.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::manifest;
using namespace std::chrono_literals;

namespace {

const std::string kHead = "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\n";

// A valid manifest with some of its spec replaced: field -> text (empty: left out).
std::string with(const std::map<std::string, std::string>& fields,
                 const std::string& name = "web") {
    std::map<std::string, std::string> spec{
        {"duration", "5m"},
        {"targets", "[{service: web}]"},
        {"scenarios", "[{name: s, actions: [{type: container_kill}]}]"}};
    for (const auto& [key, value] : fields) spec[key] = value;
    std::string text = kHead + "metadata: {name: " + name + "}\nspec:\n";
    for (const auto& [key, value] : spec) {
        if (!value.empty()) text += "  " + key + ": " + value + "\n";
    }
    return text;
}

std::string actions(const std::string& list) {
    return with({{"scenarios", "[{name: s, actions: [" + list + "]}]"}});
}

std::vector<std::string> problems(const std::string& text) {
    std::vector<std::string> lines;
    for (const auto& document : decode(text)) {
        for (const auto& problem : document.problems) lines.push_back(render("f", problem));
    }
    return lines;
}

Experiment valid(const std::string& text) {
    const auto documents = decode(text);
    REQUIRE(documents.size() == 1);
    for (const auto& problem : documents[0].problems) UNSCOPED_INFO(render("f", problem));
    REQUIRE(documents[0].experiment);
    return *documents[0].experiment;
}

}  // namespace

TEST_CASE("A minimal manifest has the schema's defaults") {
    const auto e = valid(with({}));
    CHECK(e.metadata.name == "web");
    CHECK(e.spec.duration == 5min);
    CHECK(e.spec.schedule == Schedule::kOnce);
    CHECK(e.spec.recovery_timeout == 2min);
    CHECK(e.spec.on_no_targets == OnNoTargets::kFail);
    CHECK(e.spec.targeting == Targeting::kDynamic);
    CHECK(e.spec.on_conflict == OnConflict::kReject);
    CHECK(e.spec.safety == Safety{});
    CHECK(e.spec.safety.safe_mode);
    CHECK(e.spec.targets[0].mode == Mode::kOne);
    CHECK(e.spec.targets[0].weight == 1);
    CHECK(e.spec.scenarios[0].probability == 1);
    const auto& action = e.spec.scenarios[0].actions[0];
    CHECK(action.fault == FaultSpec{ContainerKill{9, KillMethod::kProcess}});
    CHECK_FALSE(action.repeat);
}

TEST_CASE("Everything that is written arrives") {
    const auto e = valid(R"(
apiVersion: chaos.sutazai.com/v1
kind: ChaosExperiment
metadata:
  name: all
  annotations: {chaos.sutazai.com/run-id: "7"}
spec:
  duration: 1h
  schedule: manual
  seed: 42
  recovery_timeout: 30s
  dry_run: true
  on_no_targets: wait
  targeting: static
  on_conflict: queue
  safety: {max_affected_services: 3, max_affected_percent: 50, at_least_one: true}
  targets:
    - service: "web-*"
      weight: 2.5
      mode: fixed
      value: 2
      exclude: {names: [web-9]}
    - selector:
        names: [a, "b*"]
        name_regex: "^x"
        labels: {tier: front}
        label_expressions: [{key: k, operator: In, values: [v]}]
        compose_project: p
        compose_service: s
        image: "redis:*"
        networks: [n]
  scenarios:
    - name: one
      probability: 0.25
      order: parallel
      actions:
        - type: container_kill
          targets: ["web-*"]
          start_after: 10s
          parameters: {signal: SIGTERM, method: api, repeat: {count: 3, interval: 1m}}
        - type: container_pause
          parameters: {duration: 20s, intensity: low}
)");
    CHECK(e.run_id() == "7");
    CHECK(e.spec.seed == 42);
    CHECK(e.spec.safety.max_affected_services == 3);
    CHECK(e.spec.targets[0].value == 2);
    CHECK(e.spec.targets[0].exclude->names == std::vector<std::string>{"web-9"});
    const auto& s = *e.spec.targets[1].selector;
    CHECK(s.label_expressions[0].op == LabelExpression::Operator::kIn);
    CHECK(s.networks == std::vector<std::string>{"n"});
    const auto& kill = e.spec.scenarios[0].actions[0];
    CHECK(kill.fault == FaultSpec{ContainerKill{15, KillMethod::kApi}});
    CHECK(kill.repeat == Repeat{3, 1min});
    CHECK(kill.start_after == 10s);
    CHECK(e.spec.scenarios[0].actions[1].duration == 20s);
    CHECK(e.spec.scenarios[0].order == Order::kParallel);
}

TEST_CASE("Each mistake is named with its place, what was found and what was expected") {
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"a: 1\n", "f:1:1: apiVersion: missing; expected chaos.sutazai.com/v1"},
        {"just text\n", "f:1:1: found \"just text\", expected a map of fields"},
        {with({{"duration", ""}}), "spec.duration: missing; expected a duration such as"},
        {with({{"duration", "15 minutes"}}),
         "f:5:13: spec.duration: found \"15 minutes\", expected a duration such as 500ms, 90s, "
         "15m"},
        {with({{"duration", "0s"}}), "spec.duration: expected more than 0"},
        {with({{"duration", "-5m"}}), "spec.duration: found \"-5m\""},
        {with({{"duration", "99999h"}}), "spec.duration: found \"99999h\""},
        {with({{"duratoin", "5m"}}), "spec.duratoin: unknown field; did you mean \"duration\"?"},
        {with({}, "Web_1"), "metadata.name: found \"Web_1\""},
        {with({}, std::string(64, 'a')), "expected at most 63 characters"},
        {with({{"targets", "web"}}), "spec.targets: found \"web\", expected a list"},
        {with({{"targets", "[]"}}), "spec.targets: found 0 entries, expected at least 1"},
        {with({{"targets", "[{}]"}}), "spec.targets[0]: found neither service nor selector"},
        {with({{"targets", "[{selector: {}}]"}}), "an empty selector would mean every container"},
        {with({{"targets",
                "[{selector: {label_expressions: [{key: a, operator: NotIn}]}, mode: all}]"}}),
         "selector.label_expressions[0].values: operator NotIn needs at least one value"},
        {with({{"targets",
                "[{service: w, exclude: {label_expressions: [{key: a, operator: "
                "Exists, values: [b]}]}}]"}}),
         "operator Exists takes no values"},
        {with({{"scenarios",
                "[{name: s, actions: [{type: container_kill, parameters: "
                "{signal: STOP}}]}]"}}),
         "parameters.signal: found STOP, which freezes processes"},
        {with({{"scenarios",
                "[{name: s, actions: [{type: container_restart, parameters: "
                "{duration: 2s}}]}]"}}),
         "container_restart happens at once and has no duration"},
        {with({}, "a, annotations: {chaos.sutazai.com/pause: \"true\"}"),
         "unknown annotation of this project; did you mean \"chaos.sutazai.com/paused\"?"},
        {with({}, "a, annotations: {chaos.sutazai.com/paused: yes}"),
         "found \"yes\", expected \"true\" or \"false\""},
        {with({{"scenarios",
                "[{name: s, order: parallel, actions: [{type: container_pause}, "
                "{type: container_stop}]}]"}}),
         "container_stop overlaps container_pause of actions[0]"},
        {with({{"targets", "[{service: w, mode: fixed}]"}}),
         "spec.targets[0].value: mode fixed needs a value"},
        {with({{"targets", "[{service: w, value: 2}]"}}), "mode one takes no value"},
        {with({{"targets", "[{service: w, mode: fixed_percent, value: 101}]"}}),
         "found 101, expected at most 100 percent"},
        {with({{"targets", "[{service: w, mode: some}]"}}),
         "found \"some\", expected one, all, fixed, fixed_percent or random_max_percent"},
        {with({{"targets", "[{selector: {name_regex: \"(\"}}]"}}),
         "found \"(\", expected a regular expression in RE2 syntax"},
        {with({{"targets", "[{service: 5}]"}}),
         "spec.targets[0].service: found 5, expected text; put it in quotes if it is meant"},
        {with({{"safety", "{safe_mode: yes}"}}),
         "spec.safety.safe_mode: found \"yes\", expected true or false"},
        {with({{"safety", "{max_affected_services: 0}"}}),
         "found 0, expected a whole number of at least 1"},
        {with({{"safety", "{max_affected_percent: 101}"}}), "expected a number from 0 to 100"},
        {with({{"schedule", "\"61 * * * *\""}}),
         "spec.schedule: found \"61 * * * *\", expected once, manual, a cron line"},
        {with({{"schedule", "\"0 0 30 2 *\""}}), "that some day matches"},
        {with({{"time_zone", "Mars/Olympus"}}),
         "spec.time_zone: found \"Mars/Olympus\", expected an IANA time zone"},
        {with({{"probes", "[{name: a, type: prometheus}]"}}),
         "spec.probes[0].type: a probe of type prometheus is not supported in this version"},
        {with({{"probes", "[{name: a, type: http}]"}}),
         "spec.probes[0].url: missing; type http needs it"},
        {with({{"probes", "[{name: a, type: http, url: \"ftp://x\"}]"}}),
         "spec.probes[0].url: found \"ftp://x\", expected a URL"},
        {with({{"probes", "[{name: a, type: tcp, address: x}]"}}), "expected host and port"},
        {with({{"probes", "[{name: a, type: exec, service: w}]"}}), "probes[0].command: missing"},
        {with({{"safety", "{stop_conditions: [{type: probe, probe: b}]}"},
               {"probes", "[{name: a, type: tcp, address: \"x:1\"}]"}}),
         "stop_conditions[0].probe: found \"b\", expected the name of an entry of spec.probes"},
        {with({{"safety", "{stop_conditions: [{type: cascade_depth}]}"}}),
         "stop_conditions[0].threshold: missing; type cascade_depth needs it"},
        {with({{"seed", "1.5"}}), "spec.seed: found 1.5, expected a whole number of at least 0"},
        {with({{"scenarios", "[{name: s, probability: 1.5, actions: [{type: container_kill}]}]"}}),
         "spec.scenarios[0].probability: found 1.5, expected a number from 0 to 1"},
        {with({{"scenarios", "[{name: s, actions: []}]"}}), "found 0 entries, expected at least 1"},
        {with({{"scenarios",
                "[{name: s, actions: [{type: container_kill}]}, "
                "{name: s, actions: [{type: container_kill}]}]"}}),
         "spec.scenarios[1].name: duplicate scenario name \"s\""},
        {actions("{type: container_kil}"), "did you mean \"container_kill\"?"},
        {actions("{type: process_kill}"), "parameters.match: missing; process_kill needs it"},
        {actions("{type: process_kill, parameters: {match: \"(\"}}"), "a regular expression"},
        {actions("{type: container_restart, parameters: {duration: 5s}}"),
         "container_restart happens at once and has no duration"},
        {actions("{type: container_stop, parameters: {signal: KILL}}"),
         "unknown parameter for container_stop"},
        {actions("{type: my_own}"), "is defined in the configuration, under custom_actions"},
        {actions("{type: container_kill, parameters: {sginal: KILL}}"),
         "parameters.sginal: unknown parameter for container_kill; did you mean \"signal\"?"},
        {actions("{type: container_kill, parameters: {latency: 5s}}"),
         "parameters.latency: unknown parameter for container_kill"},
        {actions("{type: container_kill, parameters: {signal: NOPE}}"),
         "found \"NOPE\", expected a signal such as KILL, SIGTERM or 15"},
        {actions("{type: container_kill, parameters: {duration: 5s}}"),
         "container_kill happens at once and has no duration"},
        {actions("{type: container_kill, parameters: {repeat: {count: 9, interval: 1m}}}"),
         "9 times every 1m does not fit into spec.duration 5m"},
        {actions("{type: container_pause, parameters: {intensity: high}}"),
         "found high, expected low or medium in safe mode"},
        {actions("{type: container_pause}, {type: container_kill}"),
         "spec.scenarios[0].actions[1]: would never start: spec.scenarios[0].actions[0] has no "
         "duration"},
        {actions("{type: container_kill, targets: [webb]}"),
         "found \"webb\", expected the service of an entry of spec.targets; did you mean \"web\"?"},
    }));
    INFO(text);
    const auto lines = problems(text);
    INFO(Catch::Detail::stringify(lines));
    bool found = false;
    for (const auto& line : lines) found = found || line.find(expected) != std::string::npos;
    CHECK(found);
}

TEST_CASE("Every container action is read with its defaults") {
    const auto fault = [](const std::string& text) {
        return valid(actions(text)).spec.scenarios[0].actions[0].fault;
    };
    CHECK(fault("{type: container_stop}") == FaultSpec{ContainerStop{10s}});
    CHECK(fault("{type: container_restart, parameters: {grace: 1s}}") ==
          FaultSpec{ContainerRestart{1s}});
    CHECK(fault("{type: container_remove, parameters: {volumes: true}}") ==
          FaultSpec{ContainerRemove{10s, true}});
    CHECK(fault("{type: process_kill, parameters: {match: nginx, signal: 15}}") ==
          FaultSpec{ProcessKill{"nginx", 15}});
}

TEST_CASE("All mistakes of a document are reported at once") {
    const auto lines = problems(with({{"duration", "soon"}, {"seed", "x"}, {"wrong", "1"}}));
    CHECK(lines.size() == 3);
}

TEST_CASE("The name is known even where the rest is wrong") {
    const auto documents = decode(with({{"duration", "soon"}}));
    REQUIRE(documents.size() == 1);
    CHECK(documents[0].name == "web");
    CHECK_FALSE(documents[0].experiment);
}

TEST_CASE("The digest follows the meaning of the spec and nothing else") {
    const auto digest = [](const std::string& text) { return decode(text).at(0).digest; };
    const auto base = digest(with({}));
    CHECK(base == digest("# comment\n" + with({{"duration", "\"5m\""}}, "other")));
    CHECK(base != digest(with({{"duration", "6m"}})));
    CHECK_THAT(base,
               Catch::StartsWith("sha256:") && Catch::Matchers::Matches("sha256:[0-9a-f]{64}"));
}

TEST_CASE("SHA-256 is SHA-256") {
    CHECK(sha256("abc") ==
          "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("The repository's manifests are what they say they are") {
    for (const auto& entry :
         std::filesystem::directory_iterator{test::source_dir() + "/manifests"}) {
        const auto path = entry.path().string();
        if (path.ends_with(".status.yaml")) continue;
        INFO(path);
        const auto documents = decode(test::read_text(path));
        REQUIRE(documents.size() == 1);
        if (entry.path().stem() == "custom-experiment") {
            REQUIRE(documents[0].problems.size() == 1);
            CHECK_THAT(
                render("f", documents[0].problems[0]),
                Catch::Contains("found \"custom_action\"") &&
                    Catch::Contains("is defined in the configuration, under custom_actions"));
        } else {
            CHECK(documents[0].problems.empty());
        }
    }
}

TEST_CASE("Every manifest and configuration that the documentation shows is valid") {
    int shown = 0;
    for (const auto* page : {"README.md", "docs/manifests.md", "docs/network.md",
                             "docs/operating.md", "docs/safety.md", "docs/stress.md"}) {
        const auto text = test::read_text(test::source_dir() + "/" + page);
        constexpr std::string_view kFence = "```yaml\n";
        for (auto at = text.find(kFence); at != std::string::npos; at = text.find(kFence, at + 1)) {
            const auto begin = at + kFence.size();
            INFO(page);
            const auto block = text.substr(begin, text.find("```", begin) - begin);
            if (block.find("kind: ") != std::string::npos) {
                CHECK(problems(block).empty());
            } else {
                CHECK(config::decode(block).problems.empty());
            }
            ++shown;
        }
    }
    CHECK(shown >= 2);
}

TEST_CASE("Decoding survives any damage to a manifest") {
    constexpr std::string_view kMarks = "{}[]:,&*!|>'\"%@`\n\t -#";
    const auto whole = with({{"safety", "{safe_mode: true}"}}) + "---\n" + with({}, "two");
    std::mt19937 random{20261124};
    for (int round = 0; round < 3000; ++round) {
        auto text = whole;
        const auto edits = 1 + random() % 4;
        for (std::size_t i = 0; i < edits; ++i) {
            const auto at = random() % text.size();
            switch (random() % 3) {
                case 0: text[at] = static_cast<char>(random() % 256); break;
                case 1: text.erase(at, 1 + random() % 20); break;
                default: text.insert(at, 1, kMarks[random() % kMarks.size()]);
            }
            if (text.empty()) text = "x";
        }
        const auto documents = decode(text);
        for (const auto& document : documents) {
            CHECK(document.experiment.has_value() == document.problems.empty());
        }
    }
}

namespace {

void check_described(const Schema& schema, const std::string& path) {
    INFO(path);
    CHECK_FALSE(schema.description.empty());
    for (const auto& [name, child] : schema.properties) check_described(*child, path + "." + name);
    if (schema.items) {
        for (const auto& [name, child] : schema.items->properties) {
            check_described(*child, path + "[]." + name);
        }
    }
}

}  // namespace

TEST_CASE("Every field of the schema has a description") { check_described(crd().root, ""); }

TEST_CASE("Every parameter of every action type is in the schema") {
    CHECK(crd().actions.size() == 20);
    for (const auto& action : crd().actions) {
        INFO(action.name);
        CHECK_FALSE(action.summary.empty());
        for (const auto& name : action.parameters)
            CHECK(crd().parameters().property(name) != nullptr);
        for (const auto& key : action.intensity.keys) {
            CHECK(crd().parameters().property(key.name) != nullptr);
        }
    }
}
