#include "controller/store/store.h"

#include <sqlite3.h>

#include <unistd.h>

#include <algorithm>
#include <random>

#include "test/support/catch.h"
#include "test/support/make.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::store;
using namespace chaos::test;

namespace {

Run some_run() {
    Run run;
    run.experiment = "web";
    run.digest = "sha256:1";
    run.run_id = "7";
    run.seed = 18446744073709551615ULL;
    run.phase = Phase::kRunning;
    run.reason = "R";
    run.created_at = run.origin = kT0;
    run.start_time = kT0 + 1ns;
    run.deadline = kT0 + 5min;
    run.stop_reason = "ManifestDeleted";
    RunTarget target{.name = "web-1", .service = "web", .via = {"web", "w*"}, .joined_at = kT0};
    target.container_id = "abc";
    target.incarnation = Incarnation{"abc", "t", 5};
    target.disturbed_at = kT0 + 3s;
    target.time_to_running = 300ms;
    target.rescues = 2;
    target.rescued_at = kT0 + 9s;
    target.rescue_error = "why";
    target.project = "shop";
    target.state = "exited";
    target.restart_delay = 100ms;
    target.vanished = true;
    run.targets = {target};
    run.paused_since = kT0 + 4s;
    run.paused_total = 7s;
    run.held = true;
    run.waiting_since = kT0 + 5s;
    run.deleted_at = kT0 + 6s;
    FaultRecord kill{.id = "s/0:container_kill/0@web-1",
                     .spec = ContainerKill{15, KillMethod::kApi},
                     .target = "web-1",
                     .service = "web",
                     .incarnation = {"abc", "t", 5}};
    kill.state = FaultState::kFired;
    kill.injected_at = kT0;
    kill.recorded_at = kT0 - 1ms;
    kill.ends_at = kT0 + 1min;
    kill.undoing = true;
    kill.evidence = {{"exit_code", "137"}};
    FaultRecord pause{
        .id = "s/1:container_pause@web-1", .spec = ContainerPause{}, .target = "web-1"};
    pause.attempts = 3;
    pause.not_before = kT0 + 800ms;
    pause.last_error = "quoted \"text\"\nand a line";
    run.faults = {kill, pause};
    run.add_event(kT0, true, "Reason", "message");
    return run;
}

Store open(const TempDir& dir) {
    auto store = Store::open(dir / "state");
    REQUIRE(store);
    return std::move(*store);
}

}  // namespace

TEST_CASE("Runs and faults read back as they were written") {
    const auto run = some_run();
    auto decoded = decode_run(encode_run(run));
    REQUIRE(decoded);
    decoded->faults = run.faults;
    CHECK(*decoded == run);
    for (const auto& fault : run.faults) {
        CHECK(decode_fault(encode_fault(fault)).value() == fault);
    }
    auto fault = run.faults[0];
    for (const FaultSpec& spec :
         std::vector<FaultSpec>{ContainerStop{3s}, ContainerRestart{4s}, ContainerRemove{5s, true},
                                ProcessKill{"a", 2}}) {
        fault.spec = spec;
        CHECK(decode_fault(encode_fault(fault)).value() == fault);
    }
}

TEST_CASE("A network fault comes back from the journal as it was, less when it was looked at") {
    NetworkFault network{.action = NetworkAction::kCombined,
                         .delay = Delay{10ms, 2ms, 1.5, Distribution::kPareto},
                         .loss = GilbertElliott{1, 2, 3, 4},
                         .duplicate = Share{1, 2},
                         .corrupt = Share{3, 4},
                         .reorder = Reorder{{5, 6}, 7},
                         .bandwidth = Bandwidth{1'000'000'000'000, 5, 6ms},
                         .partition = Peers{.services = {"a"}, .cidrs = {"10.0.0.0/8"}},
                         .direction = Direction::kBoth,
                         .to = Peers{.hostnames = {"h"},
                                     .ports = {{1, 65535}},
                                     .protocols = {Protocol::kIcmp, Protocol::kUdp}},
                         .interfaces = {"eth0"}};
    FaultRecord fault{.id = "s/0:network@web", .spec = network, .target = "web"};
    fault.experiment = "e";
    fault.uid = "e/s/0:network@web/1";
    fault.peers = {{"10.0.0.1"}, {}, {"10.0.0.2", "fd00::1"}, {"bridge"}};
    fault.armed_until = kT0;
    fault.unsupported = true;
    CHECK(decode_fault(encode_fault(fault)).value() == fault);
    network.loss = FourState{1, 2, 3, 4, 5};
    network.bandwidth->burst.reset();
    network.to.reset();
    fault.spec = network;
    CHECK(decode_fault(encode_fault(fault)).value() == fault);
    network = {.action = NetworkAction::kLoss, .loss = Share{7, 8}};
    fault.spec = network;
    CHECK(decode_fault(encode_fault(fault)).value() == fault);
    fault.observed_at = kT0;
    CHECK_FALSE(decode_fault(encode_fault(fault)).value().observed_at);
}

TEST_CASE("A stress fault comes back from the journal as it was") {
    const StressFault all{
        .action = StressAction::kCombined,
        .cpu = CpuStress{80.5, 3},
        .memory = MemoryStress{.size = 1ULL << 40U, .ramp = 2s, .oom_score_adj = -5},
        .io = IoStress{2, 3, "/a b"}};
    FaultRecord fault{.id = "s/0:resource_stress@web", .spec = all, .target = "web"};
    fault.experiment = "e";
    fault.uid = "e/s/0:resource_stress@web/1";
    fault.armed_until = kT0;
    fault.unsupported = true;
    const StressFault fill{.action = StressAction::kDiskFill,
                           .fill = DiskFill{.percent = 12.5, .path = "/data"}};
    const StressFault pids{.action = StressAction::kPids, .pids = PidStress{.count = 7}};
    for (const auto& spec : {all, fill, pids}) {
        fault.spec = spec;
        CHECK(decode_fault(encode_fault(fault)).value() == fault);
    }
}

TEST_CASE("What survives a restart: the newest run, what has fired, the last good manifest") {
    TempDir dir;
    auto run = some_run();
    const StoredExperiment experiment{"web", 3, "sha256:1", "text: 1\n", "m/web.yaml"};
    {
        auto store = open(dir);
        run.id = store.save(run, &experiment).value();
        run.faults[0].evidence["more"] = "x";
        run.phase = Phase::kCompleted;
        CHECK(store.save(run).value() == run.id);
    }
    auto store = open(dir);
    const auto loaded = store.load();
    REQUIRE(loaded);
    REQUIRE(loaded->runs.size() == 1);
    CHECK(loaded->runs[0] == run);
    CHECK(loaded->experiments == std::vector{experiment});
    CHECK(loaded->fired == std::set<FiredKey>{{"web", "sha256:1", "7"}});
    CHECK(loaded->history.at("web").at(0).phase == Phase::kCompleted);
}

TEST_CASE("A fault that an edit has renamed is not found under its old id") {
    TempDir dir;
    auto run = some_run();
    {
        auto store = open(dir);
        run.id = store.save(run).value();
        run.faults[0].id = "renamed/0:container_kill/0@web-1";
        CHECK(store.save(run));
    }
    auto store = open(dir);
    auto loaded = store.load().value().runs.at(0).faults;
    std::ranges::sort(loaded, {}, &FaultRecord::id);
    std::ranges::sort(run.faults, {}, &FaultRecord::id);
    CHECK(loaded == run.faults);
}

TEST_CASE("peek finds what is owed without taking the lock, and who has a guard is known") {
    TempDir dir;
    CHECK(Store::peek(dir / "state").value().empty());
    auto store = open(dir);
    CHECK(Store::guarded_holder(dir / "state") == 0);
    REQUIRE(store.note_guarded());
    CHECK(Store::guarded_holder(dir / "state") == ::getpid());
    auto run = some_run();
    run.phase = Phase::kRunning;
    run.settled = false;
    run.faults[0].spec = ContainerPause{};
    run.faults[0].state = FaultState::kInjected;
    run.id = store.save(run).value();
    CHECK(Store::peek(dir / "state").value().size() == 1);
    run.settled = true;
    for (auto& fault : run.faults) fault.state = FaultState::kUndone;
    CHECK(store.save(run));
    CHECK(Store::peek(dir / "state").value().empty());
}

TEST_CASE("A run that still waits has not fired") {
    TempDir dir;
    auto store = open(dir);
    auto run = some_run();
    run.phase = Phase::kWaiting;
    run.targets.clear();
    run.faults.clear();
    run.id = store.save(run).value();
    CHECK(store.load().value().fired.empty());
    run.phase = Phase::kFailed;
    CHECK(store.save(run));
    CHECK(store.load().value().fired.size() == 1);
}

TEST_CASE("A later run is the newest, and the earlier ones are history") {
    TempDir dir;
    auto store = open(dir);
    auto run = some_run();
    (void)store.save(run);
    run.run_id = "8";
    const auto second = store.save(run).value();
    const auto loaded = store.load().value();
    REQUIRE(loaded.runs.size() == 1);
    CHECK(loaded.runs[0].id == second);
    CHECK(loaded.history.at("web").size() == 2);
    CHECK(loaded.history.at("web")[0].run_id == "8");
    CHECK(loaded.fired.size() == 2);
}

TEST_CASE("A second controller on the same state is refused and told who has it") {
    TempDir dir;
    const auto first = open(dir);
    const auto second = Store::open(dir / "state");
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::kConflict);
    CHECK_THAT(second.error().context, Catch::Contains(std::to_string(::getpid())));
}

TEST_CASE("A directory that cannot be made is a clear error") {
    TempDir dir;
    dir.write("file", "");
    const auto store = Store::open(dir / "file/state");
    REQUIRE_FALSE(store);
    CHECK_THAT(store.error().context, Catch::Contains("file/state"));
}

TEST_CASE("A store made by a newer version is left alone") {
    TempDir dir;
    {
        const auto store = open(dir);
    }
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((dir / "state/state.db").c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    const auto store = Store::open(dir / "state");
    REQUIRE_FALSE(store);
    CHECK_THAT(store.error().context, Catch::Contains("newer version"));
}

TEST_CASE("A file that is no database is a clear error") {
    TempDir dir;
    dir.write("state/state.db", std::string(5000, 'x'));
    const auto store = Store::open(dir / "state");
    REQUIRE_FALSE(store);
    CHECK_THAT(store.error().context, Catch::Contains("not a database"));
}

TEST_CASE("A fault's evidence reads back whatever its keys hold") {
    auto fault = some_run().faults[0];
    fault.evidence[std::string{"a\0b", 3}] = "c";
    CHECK(decode_fault(encode_fault(fault)) == fault);
}

TEST_CASE("The journal's reader survives any bytes") {
    std::mt19937 random{3};
    const auto run = some_run();
    const std::vector<std::string> whole{encode_run(run), encode_fault(run.faults[0]),
                                         encode_fault(run.faults[1])};
    for (int round = 0; round < 3000; ++round) {
        auto text = whole[random() % whole.size()];
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random());
        (void)decode_run(text);
        (void)decode_fault(text);
    }
    CHECK_FALSE(decode_run("{}"));
    CHECK_FALSE(decode_fault(R"({"id":"x","type":"what"})"));
    CHECK_FALSE(decode_fault(R"({"id":"x","type":"container_pause","state":99})"));
}
