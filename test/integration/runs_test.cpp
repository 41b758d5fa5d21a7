// What a run is over time: seeds, edits, restarts of the controller, several at once.
#include <csignal>
#include <filesystem>

#include "test/integration/harness.h"
#include "test/support/catch.h"
#include "test/support/paths.h"

using namespace chaos::test;

namespace {

const std::string kKill = "{type: container_kill}";
const std::string kPause = "{type: container_pause}";

}  // namespace

TEST_CASE("plan foretells the run, and a seed replays it", "[docker]") {
    Containers c;
    for (int i = 0; i < 5; ++i) c.start("w" + std::to_string(i));
    const auto pool = by_name("\"" + c.prefix() + "*\"");
    std::vector<std::string> victims;
    const std::string seed = GENERATE("", "  seed: 77\n");
    for (int round = 0; round < 2; ++round) {
        Lab lab{c};
        lab.start();
        const auto broken = lab.ctl({"plan", "/nonexistent"});
        CHECK(broken.exit_code == 1);
        lab.dir().write("k.yaml", experiment("k", pool, kPause, seed + "  dry_run: true\n"));
        const auto planned = lab.ctl({"plan", lab.dir() / "k.yaml"});
        CHECK(planned.exit_code == 0);
        lab.write("k.yaml", read_text(lab.dir() / "k.yaml"));
        lab.expect_phase("k", "Completed");
        const auto hit = lab.targets("k");
        REQUIRE(hit.size() == 1);
        CHECK_THAT(planned.out, Catch::Contains(hit[0]) && Catch::Contains(lab.field("k", "seed")));
        victims.push_back(hit[0]);
    }
    CHECK(victims[0] == victims[1]);
}

TEST_CASE_METHOD(Bed, "An invalid edit neither aborts nor changes a running experiment",
                 "[docker]") {
    const auto good = experiment("p", by_name(web), kPause);
    lab.write("p.yaml", good);
    lab.expect_phase("p", "Running");
    const auto deadline = lab.field("p", "deadline");
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_puase}"));
    CHECK(until([&] { return lab.condition("p", "Valid") == "False Invalid"; }));
    CHECK(lab.phase("p") == "Running");
    CHECK(lab.field("p", "deadline") == deadline);
    CHECK(c.paused(web));
    lab.write("p.yaml", "]] not yaml");
    CHECK(until([&] {
        const auto body = lab.status("p");
        const auto* list = body.find("conditions");
        return list != nullptr &&
               list->items[0].text_at("message").find("not YAML") != std::string::npos;
    }));
    CHECK(lab.phase("p") == "Running");
    lab.write("p.yaml", good);
    CHECK(until([&] { return lab.condition("p", "Valid") == "True Decoded"; }));
    CHECK(c.paused(web));
    const auto log = lab.log();
    CHECK(log.find("fault injected") == log.rfind("fault injected"));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
}

TEST_CASE_METHOD(Bed, "A controller that is killed in the middle of a run goes on with it",
                 "[docker]") {
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 4s}}"));
    lab.expect_phase("p", "Running");
    const auto started = lab.field("p", "start_time");
    CHECK(lab.stop(SIGKILL) == 128 + SIGKILL);
    CHECK(c.paused(web));
    lab.start();
    lab.expect_phase("p", "Completed");
    CHECK(lab.field("p", "start_time") == started);
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(
    Bed, "A pause ends in time while the controller is dead, and the run goes on with the next one",
    "[docker]") {
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 1s}}"));
    lab.expect_phase("p", "Running");
    lab.stop(SIGKILL);
    // Sooner than the guard's grace is over: 5 s.
    CHECK(until([&] { return !c.paused(web); }, 4s));
    lab.start();
    lab.expect_phase("p", "Completed");
    CHECK(lab.field("p", "verdict") == "Pass");
}

TEST_CASE_METHOD(Bed, "A manifest deleted while the controller was dead is an abort at the start",
                 "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), kPause));
    lab.expect_phase("p", "Running");
    lab.stop(SIGKILL);
    lab.remove("p.yaml");
    lab.start();
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(Bed, "A manifest broken while the controller was dead is not an abort",
                 "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), kPause));
    lab.expect_phase("p", "Running");
    lab.stop(SIGKILL);
    lab.write("p.yaml", "]]");
    lab.start();
    CHECK(until([&] { return lab.condition("p", "Valid") == "False Invalid"; }));
    CHECK(lab.phase("p") == "Running");
    CHECK(c.paused(web));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(Bed, "SIGTERM undoes everything before the controller ends", "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), kPause));
    lab.expect_phase("p", "Running");
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK_FALSE(c.paused(web));
    CHECK(lab.phase("p") == "Aborted");
    CHECK(lab.field("p", "reason") == "ControllerStopped");
    lab.start();
    CHECK(lab.phase("p") == "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("A one-shot fires once: not after touch, restart, rename or a fresh clone", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    const auto marker = c.start("marker");
    Lab lab{c};
    lab.start();
    const auto text = experiment("k", by_name(web), kKill);
    lab.write("k.yaml", text);
    lab.expect_phase("k", "Completed");
    lab.write("k.yaml", "# a comment changes nothing\n" + text);
    CHECK(lab.stop(SIGTERM) == 0);
    std::filesystem::remove_all(lab.manifests());
    std::filesystem::create_directory(lab.manifests());
    lab.write("renamed.yaml", text);
    lab.start();
    // Something that does fire shows that the directory was read.
    lab.write("m.yaml", experiment("m", by_name(marker), kKill));
    lab.expect_phase("m", "Completed");
    CHECK(c.restarts(web) == 1);
    CHECK(until([&] { return lab.phase("k") == "Completed"; }));

    lab.write("renamed.yaml",
              "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata:\n  name: k\n"
              "  annotations: {chaos.sutazai.com/run-id: again}\n" +
                  text.substr(text.find("spec:")));
    CHECK(until([&] { return c.restarts(web) == 2; }));
    CHECK(until(
        [&] { return lab.field("k", "run_id") == "again" && lab.phase("k") == "Completed"; }));
}

TEST_CASE_METHOD(Bed, "A manual experiment waits for its run-id", "[docker]") {
    const auto text = experiment("k", by_name(web), kKill, "  schedule: manual\n");
    lab.write("k.yaml", text);
    lab.expect_phase("k", "Waiting");
    CHECK(lab.condition("k", "Admitted") == "False Manual");
    CHECK(c.restarts(web) == 0);
    lab.write("k.yaml",
              "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata:\n"
              "  name: k\n  annotations: {chaos.sutazai.com/run-id: one}\n" +
                  text.substr(text.find("spec:")));
    lab.expect_phase("k", "Completed");
    CHECK(c.restarts(web) == 1);
}

TEST_CASE("Two experiments at once do not disturb each other", "[docker]") {
    Containers c;
    const auto a = c.start("a");
    const auto b = c.start("b");
    Lab lab{c};
    lab.start();
    lab.write("both.yaml", experiment("one", by_name(a), kPause) + "---\n" +
                               experiment("two", by_name(b), kPause));
    lab.expect_phase("one", "Running");
    lab.expect_phase("two", "Running");
    CHECK(c.paused(a));
    CHECK(c.paused(b));
    lab.write("both.yaml", experiment("two", by_name(b), kPause));
    lab.expect_phase("one", "Aborted");
    CHECK_FALSE(c.paused(a));
    CHECK(c.paused(b));
    CHECK(lab.phase("two") == "Running");
}

TEST_CASE_METHOD(Bed, "A container is held by one experiment: the other is rejected or waits",
                 "[docker]") {
    lab.write("first.yaml", experiment("first", by_name(web), kPause));
    lab.expect_phase("first", "Running");
    lab.write("second.yaml", experiment("second", by_name(web), kKill));
    lab.expect_phase("second", "Rejected");
    CHECK(lab.field("second", "reason") == "Conflict");
    CHECK_THAT(lab.field("second", "message"), Catch::Contains("held by experiment first"));
    lab.write("third.yaml", experiment("third", by_name(web), kKill, "  on_conflict: queue\n"));
    lab.expect_phase("third", "Waiting");
    lab.remove("first.yaml");
    lab.expect_phase("third", "Completed");
    CHECK(c.restarts(web) == 1);
}

TEST_CASE("An experiment may wait for its targets to appear", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    lab.write("k.yaml",
              experiment("k", by_name(c.prefix() + "late"), kKill, "  on_no_targets: wait\n"));
    lab.expect_phase("k", "Waiting");
    const auto late = c.start("late");
    lab.expect_phase("k", "Completed");
    CHECK(c.restarts(late) == 1);
}

TEST_CASE_METHOD(Bed, "Moving the manifest moves its status and aborts nothing", "[docker]") {
    lab.write("p.yaml", experiment("p", by_name(web), kPause));
    lab.expect_phase("p", "Running");
    std::filesystem::create_directory(lab.manifests() + "/sub");
    std::filesystem::rename(lab.manifests() + "/p.yaml", lab.manifests() + "/sub/p.yaml");
    CHECK(until([&] { return lab.phase("sub/p") == "Running"; }));
    CHECK(until([&] { return lab.phase("p").empty(); }));
    CHECK(c.paused(web));
    lab.remove("sub/p.yaml");
    CHECK(until([&] { return lab.phase("sub/p") == "Aborted"; }));
    CHECK_FALSE(c.paused(web));
}

TEST_CASE_METHOD(Bed, "A broken sibling and a duplicate are told apart from what is good",
                 "[docker]") {
    lab.write("good.yaml", experiment("good", by_name(web), kPause));
    lab.expect_phase("good", "Running");
    lab.write("copy.yaml", experiment("good", by_name(web), kKill));
    lab.write("broken.yaml", "a: [");
    CHECK(until([&] { return lab.phase("copy") == "Rejected"; }));
    CHECK_THAT(lab.field("copy", "message"),
               Catch::Contains("copy.yaml") && Catch::Contains("good.yaml"));
    CHECK(until([&] { return lab.phase("broken") == "Rejected"; }));
    CHECK(lab.phase("good") == "Running");
    CHECK(c.paused(web));
    lab.remove("broken.yaml");
    lab.remove("copy.yaml");
    CHECK(until([&] { return lab.phase("copy").empty() && lab.phase("broken").empty(); }));
}

TEST_CASE("Manifests that cannot be read delete nothing", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    lab.start({"--status-dir", lab.dir() / "status"}, false);
    std::filesystem::create_directory(lab.dir() / "status");
    lab.write("p.yaml", experiment("p", by_name(web), kPause));
    CHECK(until([&] { return c.paused(web); }));
    std::filesystem::rename(lab.manifests(), lab.dir() / "away");
    const auto status = [&] { return read_text(lab.dir() / "status/p.status.yaml"); };
    CHECK(until([&] { return status().find("SourceUnavailable") != std::string::npos; }));
    CHECK(c.paused(web));
    std::filesystem::rename(lab.dir() / "away", lab.manifests());
    CHECK(until([&] { return status().find("SourceUnavailable") == std::string::npos; }));
    CHECK(c.paused(web));
    lab.remove("p.yaml");
    CHECK(until([&] { return !c.paused(web); }));
}

TEST_CASE("A second controller on the same state does not start", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.start();
    const auto second =
        run_program({bin_dir() + "/chaos-controller", "--manifests", lab.manifests(), "--state-dir",
                     lab.dir() / "state", "--listen", "127.0.0.1:0"});
    CHECK(second.exit_code == 1);
    CHECK_THAT(second.out, Catch::Contains("is in use by the controller with process id"));
}
