// chaosctl's verbs on files alone.
#include "controller/ctl/verbs.h"

#include <filesystem>
#include <sstream>

#include "controller/manifest/decode.h"
#include "test/support/catch.h"
#include "test/support/paths.h"
#include "test/support/temp_dir.h"

using namespace chaos::ctl;
using namespace std::chrono_literals;
namespace manifest = chaos::manifest;
using namespace chaos::test;

namespace {

std::string manifest_text(const std::string& name, const std::string& duration = "5m") {
    return "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata:\n  name: " + name +
           "\nspec:\n  duration: " + duration +
           "\n  targets: [{service: web}]\n"
           "  scenarios: [{name: s, actions: [{type: container_kill}]}]\n";
}

constexpr const char* kStatus = R"(apiVersion: chaos.sutazai.com/v1
kind: ChaosExperimentStatus
metadata: {name: web}
status:
  phase: Completed
  verdict: Pass
  reason: Recovered
  seed: 5
  start_time: "2026-11-24T08:00:00.000Z"
  conditions: [{type: Valid, status: "True", reason: Decoded}]
  targets: [{service: web, name: web-1, container_id: abc, phase: Recovered, recovery_time: 1.5}]
  events: [{time: "2026-11-24T08:00:00.000Z", type: Normal, reason: FaultInjected, message: hit}]
)";

class Shell {
public:
    TempDir dir;
    std::ostringstream out;
    std::ostringstream err;
    Context context{dir.path(),
                    "",
                    "unix:///nonexistent/docker.sock",
                    "/nonexistent/control.sock",
                    dir.path(),
                    "",
                    {},
                    false,
                    Output::kTable,
                    out,
                    err};

    std::string said() { return take(out); }
    std::string complained() { return take(err); }

private:
    static std::string take(std::ostringstream& stream) {
        auto text = stream.str();
        stream.str("");
        return text;
    }
};

}  // namespace

TEST_CASE("validate says what is valid, what is not, and returns 1 for the latter") {
    Shell sh;
    sh.dir.write("good.yaml", manifest_text("good"));
    sh.dir.write("bad.yaml", manifest_text("bad", "soon"));
    CHECK(validate(sh.context, {sh.dir / "good.yaml"}) == kOk);
    CHECK_THAT(sh.said(), Catch::EndsWith("good.yaml: good is valid\n"));
    CHECK(validate(sh.context, {sh.dir.path()}) == kFailed);
    CHECK_THAT(sh.complained(), Catch::Contains("bad.yaml:6:13: spec.duration: found \"soon\""));
    CHECK(validate(sh.context, {sh.dir / "none.yaml"}) == kFailed);
    CHECK_THAT(sh.complained(), Catch::Contains("no such file"));
    sh.dir.write("empty.yaml", "");
    CHECK(validate(sh.context, {sh.dir / "empty.yaml"}) == kFailed);
}

TEST_CASE("validate finds names used twice") {
    Shell sh;
    sh.dir.write("a.yaml", manifest_text("same"));
    sh.dir.write("b.yaml", manifest_text("same"));
    CHECK(validate(sh.context, {sh.dir.path()}) == kFailed);
    CHECK_THAT(sh.complained(),
               Catch::Contains("duplicate name \"same\"") && Catch::Contains("a.yaml"));
}

TEST_CASE("validate -o json is for programs") {
    Shell sh;
    sh.dir.write("bad.yaml", manifest_text("bad", "soon"));
    sh.context.output = Output::kJson;
    CHECK(validate(sh.context, {sh.dir / "bad.yaml"}) == kFailed);
    CHECK_THAT(sh.said(), Catch::Contains("\"valid\": false") && Catch::Contains("\"line\": 6"));
}

TEST_CASE("get shows manifests with their status, and aborted ones whose manifest is gone") {
    Shell sh;
    sh.dir.write("web.yaml", manifest_text("web"));
    sh.dir.write("web.status.yaml", kStatus);
    sh.dir.write("new.yaml", manifest_text("new"));
    sh.dir.write("gone.status.yaml",
                 "metadata: {name: gone}\nstatus: {phase: Aborted, verdict: Aborted}\n");
    CHECK(get(sh.context, "") == kOk);
    const auto table = sh.said();
    CHECK_THAT(table, Catch::StartsWith("NAME  TYPE            PHASE      TARGETS  VERDICT"));
    CHECK_THAT(table, Catch::Contains("web   container_kill  Completed  web-1    Pass"));
    CHECK_THAT(table, Catch::Contains("gone  -               Aborted"));
    CHECK_THAT(table, Catch::Contains("new   container_kill  -"));
    sh.context.output = Output::kName;
    CHECK(get(sh.context, "") == kOk);
    CHECK(sh.said() == "chaosexperiment/gone\nchaosexperiment/new\nchaosexperiment/web\n");
    sh.context.output = Output::kYaml;
    CHECK(get(sh.context, "web") == kOk);
    CHECK_THAT(sh.said(),
               Catch::Contains("spec:\n  duration: 5m") && Catch::Contains("phase: Completed"));
    sh.context.output = Output::kJson;
    CHECK(get(sh.context, "") == kOk);
    CHECK_THAT(sh.said(),
               Catch::Contains("\"kind\": \"List\"") && Catch::Contains("\"recovery_time\": 1.5"));
    CHECK(get(sh.context, "nobody") == kFailed);
    CHECK_THAT(sh.complained(), Catch::Contains("experiment \"nobody\" not found"));
}

TEST_CASE("describe tells a run as a story") {
    Shell sh;
    sh.dir.write("web.yaml", manifest_text("web"));
    sh.dir.write("web.status.yaml", kStatus);
    CHECK(describe(sh.context, "web") == kOk);
    const auto text = sh.said();
    for (const auto* part : {"Name:          web", "Verdict:       Pass", "web-1 (service web",
                             "recovered in 1.5 s", "Valid  True", "FaultInjected  hit"}) {
        CHECK_THAT(text, Catch::Contains(part));
    }
    CHECK(describe(sh.context, "nobody") == kFailed);
}

TEST_CASE("apply creates, changes and leaves alone; a broken manifest changes nothing") {
    Shell sh;
    TempDir in;
    in.write("a.yaml", manifest_text("a"));
    CHECK(apply_manifests(sh.context, {in / "a.yaml"}) == kOk);
    CHECK(sh.said() == "chaosexperiment/a created\n");
    CHECK(read_text(sh.dir / "a.yaml") == manifest_text("a"));
    CHECK(apply_manifests(sh.context, {in / "a.yaml"}) == kOk);
    CHECK(sh.said() == "chaosexperiment/a unchanged\n");
    in.write("a.yaml", manifest_text("a", "6m") + "---\n" + manifest_text("b"));
    CHECK(apply_manifests(sh.context, {in / "a.yaml"}) == kOk);
    CHECK(sh.said() == "chaosexperiment/a configured\nchaosexperiment/b created\n");
    in.write("a.yaml", manifest_text("a", "7m") + "---\n" + manifest_text("b", "soon"));
    CHECK(apply_manifests(sh.context, {in / "a.yaml"}) == kFailed);
    CHECK(read_text(sh.dir / "a.yaml") == manifest_text("a", "6m"));
}

TEST_CASE("apply and delete leave the other documents of a file as they are") {
    Shell sh;
    TempDir in;
    const auto first = "# first\n" + manifest_text("a");
    const auto third = manifest_text("c") + "# end\n";
    sh.dir.write("all.yaml", first + "---\n" + manifest_text("b") + "---\n" + third);
    in.write("b.yaml", manifest_text("b", "9m"));
    CHECK(apply_manifests(sh.context, {in / "b.yaml"}) == kOk);
    CHECK(read_text(sh.dir / "all.yaml") ==
          first + "---\n" + manifest_text("b", "9m") + "---\n" + third);
    CHECK(delete_experiments(sh.context, {"b"}, {}) == kOk);
    CHECK(read_text(sh.dir / "all.yaml") == first + "---\n" + third);
    CHECK(delete_experiments(sh.context, {"b"}, {}) == kFailed);
    sh.dir.write("twin1.yaml", manifest_text("twin"));
    sh.dir.write("twin2.yaml", manifest_text("twin"));
    CHECK(delete_experiments(sh.context, {"twin"}, {}) == kFailed);
    CHECK_THAT(sh.complained(), Catch::Contains("twin1.yaml") && Catch::Contains("twin2.yaml"));
    CHECK(std::filesystem::exists(sh.dir / "twin2.yaml"));
    sh.dir.write("one.yaml", manifest_text("one"));
    CHECK(delete_experiments(sh.context, {"one"}, {}) == kOk);
    CHECK_FALSE(std::filesystem::exists(sh.dir / "one.yaml"));
}

TEST_CASE("explain knows fields, action types and intensities") {
    Shell sh;
    CHECK(explain(sh.context, "") == kOk);
    CHECK_THAT(sh.said(), Catch::Contains("spec  <object>  required"));
    CHECK(explain(sh.context, "spec.targets[].mode") == kOk);
    CHECK_THAT(sh.said(), Catch::Contains("default one"));
    CHECK(explain(sh.context, "container_kill") == kOk);
    CHECK_THAT(sh.said(),
               Catch::Contains("method  <string>  one of process or api, default process"));
    CHECK(explain(sh.context, "cpu_stress") == kOk);
    CHECK_THAT(sh.said(), Catch::Contains("load  <number>"));
    CHECK(explain(sh.context, "intensity") == kOk);
    CHECK_THAT(sh.said(), Catch::Contains("network_latency    latency    50ms    100ms"));
    CHECK(explain(sh.context, "spec.tragets") == kFailed);
    CHECK_THAT(sh.complained(), Catch::Contains("did you mean \"targets\"?"));
}

TEST_CASE("plan works without an engine, but for whom it would hit") {
    Shell sh;
    sh.dir.write("a.yaml", manifest_text("a"));
    CHECK(plan(sh.context, sh.dir / "a.yaml", 5) == kFailed);
    CHECK_THAT(sh.said(),
               Catch::Contains("Seed:        5") && Catch::Contains("Targets:     unknown"));
    sh.dir.write("a.yaml", manifest_text("a", "soon"));
    CHECK(plan(sh.context, sh.dir / "a.yaml", 5) == kFailed);
}

TEST_CASE("plan tells what the controller would cut, and what has run already") {
    Shell sh;
    sh.dir.write("m/a.yaml", manifest_text("a", "1h"));
    const auto digest = manifest::decode(manifest_text("a", "1h")).at(0).digest;
    sh.dir.write("m/a.status.yaml",
                 "metadata: {name: a}\nstatus:\n  phase: Completed\n  end_time: x\n"
                 "  source: {digest: \"" +
                     digest + "\"}\n");
    sh.context.manifests = sh.dir / "m";
    CHECK(plan(sh.context, sh.dir / "m/a.yaml", {}) == kFailed);
    const auto said = sh.said();
    CHECK_THAT(said, Catch::Contains("Duration:    30m") && Catch::Contains("cut from 1h"));
    CHECK_THAT(said, Catch::Contains("has run already (Completed)"));
}

TEST_CASE("An invalid edit, a deletion and a taken name show beside what is in force") {
    Shell sh;
    sh.context.manifests = sh.dir / "m";
    const auto status = [&](const std::string& name, const std::string& path) {
        sh.dir.write("m/" + name + ".status.yaml",
                     "metadata: {name: " + name +
                         "}\nstatus:\n  phase: Running\n  source: {path: \"" + path + "\"}\n");
    };
    sh.dir.write("m/edit.yaml", manifest_text("edit", "soon"));
    status("edit", sh.dir / "m/edit.yaml");
    status("gone", sh.dir / "m/gone.yaml");
    sh.dir.write("m/own.yaml", manifest_text("own"));
    sh.dir.write("m/other.yaml", manifest_text("own"));
    status("own", sh.dir / "m/own.yaml");
    CHECK(get(sh.context, "") == kOk);
    const auto said = sh.said();
    CHECK_THAT(said, Catch::Contains("Running,InvalidEdit") && Catch::Contains("Running,Deleted") &&
                         Catch::Contains("Rejected,Duplicate"));
}

TEST_CASE("A broken file of another name than its experiment's is still the experiment's") {
    Shell sh;
    sh.context.manifests = sh.dir / "m";
    sh.dir.write("m/file.yaml", "x: [");
    sh.dir.write("m/name.status.yaml",
                 "metadata: {name: name}\nstatus:\n  phase: Running\n"
                 "  source: {path: \"" +
                     (sh.dir / "m/file.yaml") + "\"}\n");
    CHECK(get(sh.context, "") == kOk);
    const auto said = sh.said();
    CHECK_THAT(said, Catch::Contains("Running,InvalidEdit") && !Catch::Contains("Deleted"));
    CHECK(events(sh.context, "name", false) == kOk);
    CHECK(events(sh.context, "nope", false) == kFailed);
}

TEST_CASE("A manifest is deleted when it is gone and its run is over") {
    Shell sh;
    sh.context.manifests = sh.dir / "m";
    sh.dir.write("m/a.status.yaml", "metadata: {name: a}\nstatus: {phase: Running}\n");
    CHECK(wait_for(sh.context, "a", "delete", 60ms) == kFailed);
    sh.dir.write("m/a.status.yaml", "metadata: {name: a}\nstatus: {phase: Aborted}\n");
    CHECK(wait_for(sh.context, "a", "delete", 60ms) == kOk);
}

TEST_CASE("apply and delete take directories, several files and several names") {
    Shell sh;
    sh.context.manifests = sh.dir / "m";
    sh.dir.write("m/keep", "");
    sh.dir.write("in/a.yaml", manifest_text("a"));
    sh.dir.write("in/deep/b.yaml", manifest_text("b"));
    sh.dir.write("c.yaml", manifest_text("c"));
    CHECK(apply_manifests(sh.context, {sh.dir / "in", sh.dir / "c.yaml"}) == kOk);
    CHECK_THAT(sh.said(), Catch::Contains("/a created") && Catch::Contains("/b created") &&
                              Catch::Contains("/c created"));
    CHECK(delete_experiments(sh.context, {}, {sh.dir / "in"}) == kOk);
    CHECK_FALSE(std::filesystem::exists(sh.dir / "m/b.yaml"));
    CHECK(delete_experiments(sh.context, {"c", "nobody"}, {}) == kFailed);
    CHECK_FALSE(std::filesystem::exists(sh.dir / "m/c.yaml"));
    CHECK(delete_experiments(sh.context, {}, {}) == kUsage);
    sh.dir.write("in/broken.yaml", "[");
    CHECK(apply_manifests(sh.context, {sh.dir / "c.yaml", sh.dir / "in"}) == kFailed);
    CHECK_FALSE(std::filesystem::exists(sh.dir / "m/c.yaml"));
}

TEST_CASE("What programs read is the same tree as JSON and as YAML") {
    Shell sh;
    sh.context.manifests = sh.dir / "m";
    sh.dir.write("m/a.yaml", manifest_text("a"));
    sh.dir.write("a.yaml", manifest_text("a", "7m"));
    const auto both = [&](auto verb) {
        sh.context.output = Output::kJson;
        verb();
        const auto json = manifest::load_yaml(sh.said());
        sh.context.output = Output::kYaml;
        verb();
        const auto yaml = manifest::load_yaml(sh.said());
        REQUIRE((json.size() == 1 && yaml.size() == 1));
        CHECK(manifest::canonical_json(json[0].root) == manifest::canonical_json(yaml[0].root));
        return yaml[0].root;
    };
    CHECK(both([&] { (void)validate(sh.context, {sh.dir / "a.yaml"}); }).items.size() == 1);
    CHECK(both([&] { (void)plan(sh.context, sh.dir / "a.yaml", 5); }).items.size() == 1);
    const auto difference = both([&] { (void)diff(sh.context, sh.dir / "a.yaml"); });
    CHECK(difference.items.at(0).find("changes")->items.at(0).text_at("after") == "7m");
    (void)both([&] { (void)events(sh.context, "", false); });
}

TEST_CASE("wait refuses words that no status has") {
    Shell sh;
    const auto goal = GENERATE("phase=Compleet", "verdict=Passed", "condition=Recoverd", "phase");
    CHECK(wait_for(sh.context, "a", goal, 1s) == kUsage);
    CHECK_THAT(sh.complained(), Catch::Contains("expected"));
}

TEST_CASE("The generated files are what the schema says") {
    Shell sh;
    CHECK(schema(sh.context, "", false) == kOk);
    CHECK(sh.said() == read_text(source_dir() + "/crd-schemas/chaosexperiment.schema.json"));
    CHECK(schema(sh.context, "config", false) == kOk);
    CHECK(sh.said() == read_text(source_dir() + "/crd-schemas/chaosconfig.schema.json"));
    CHECK(schema(sh.context, "", true) == kOk);
    CHECK(sh.said() == read_text(source_dir() + "/docs/reference.md"));
}
