// The reconciler by itself, on real containers: what is left after many faults, and whose stressors
// are swept.
#include "reconcilers/stress/reconciler.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "controller/api/clock.h"
#include "test/stress/stress_bed.h"
#include "test/support/catch.h"
#include "test/support/heap.h"
#include "test/support/paths.h"

using namespace chaos;
using namespace chaos::stress;
using namespace chaos::test;

namespace {

std::string program() { return bin_dir() + "/chaos-stressor"; }

Keeper hold(const TempDir& dir) {
    auto keeper = Keeper::hold(dir.path());
    if (!keeper) throw std::runtime_error(keeper.error().context);
    return std::move(*keeper);
}

const StressFault kCpu{.action = StressAction::kCpu, .cpu = CpuStress{10, {}}};

// A container and a reconciler whose calls are run to their end.
struct ReconcilerBed {
    Containers c;
    const Watched web{c, c.start("web", {.options = {"--memory", "64m"}})};
    const TempDir dir;
    boost::asio::io_context io;
    StressReconciler reconciler{program(), hold(dir)};

    [[nodiscard]] FaultRecord record_of(const StressFault& fault) const {
        FaultRecord record{.id = "s/0:" + std::string{type_name(fault.action)} + "@web",
                           .spec = fault,
                           .target = "web"};
        record.incarnation = {c.inspect(web.name(), "{{.Id}}"), "", web.pid()};
        record.uid = "test/" + record.id;
        record.ends_at = wall_now() + 1min;
        return record;
    }

    template <class T>
    T finish(Task<T> task) {
        auto result = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
        io.restart();
        io.run();
        return result.get();
    }
    Result<Effect> inject(const FaultRecord& record, bool again = false) {
        return finish(reconciler.inject(record, again));
    }
    Result<Effect> undo(const FaultRecord& record) { return finish(reconciler.undo(record)); }
};

}  // namespace

TEST_CASE("Two hundred stress faults that come and go leak nothing", "[docker][stress]") {
    ReconcilerBed bed;
    const auto& web = bed.web;
    const StressFault all{.action = StressAction::kCombined,
                          .cpu = CpuStress{10, {}},
                          .memory = MemoryStress{.size = 1U << 20U},
                          .io = IoStress{1, 1U << 20U, "/"}};
    const auto record = bed.record_of(all);
    const auto cycle = [&] {
        const auto injected = bed.inject(record);
        if (!injected) throw std::runtime_error(injected.error().context);
        const auto undone = bed.undo(record);
        if (!undone) throw std::runtime_error(undone.error().context);
    };
    const auto count = [](const char* path) {
        return std::distance(std::filesystem::directory_iterator{path},
                             std::filesystem::directory_iterator{});
    };
    for (int i = 0; i < 200; ++i) cycle();  // what is only cached is there now
    const auto files = count("/proc/self/fd");
    const auto heap = heap_in_use();
    const auto memory = web.mebibytes();
    for (int i = 0; i < 200; ++i) cycle();
    CHECK(count("/proc/self/fd") == files);
    CHECK(heap_in_use() < heap + 20'000);  // 100 bytes a cycle
    CHECK(read_text("/proc/self/task/" + std::to_string(::getpid()) + "/children").empty());
    CHECK(web.stressors().empty());
    CHECK(until([&] { return web.cgroup().pids() == 2; }));
    CHECK(until([&] { return web.mebibytes() < memory + 1; }));
    CHECK(bed.c.docker({"diff", web.name()}).empty());
}

TEST_CASE("A stressor starts in the control groups of its target, and with few rights",
          "[docker][stress][lab]") {
    ReconcilerBed bed;
    const auto& web = bed.web;
    const auto record = bed.record_of(kCpu);
    REQUIRE(bed.inject(record));
    const auto pids = web.stressors();
    REQUIRE(pids.size() == 1);
    const auto proc = "/proc/" + std::to_string(pids[0]);
    CHECK(read_text(proc + "/cgroup") ==
          read_text("/proc/" + std::to_string(web.pid()) + "/cgroup"));
    const auto status = read_text(proc + "/status");
    CHECK_THAT(status,
               Catch::Contains("CapEff:\t0000000000000000") && Catch::Contains("NoNewPrivs:\t1"));
    CHECK(read_text(proc + "/oom_score_adj") == "1000\n");
    CHECK(bed.undo(record));
    CHECK(web.stressors().empty());
}

TEST_CASE("Only stressors of our own, whose fault nobody knows, are swept", "[docker][stress]") {
    ReconcilerBed bed;
    const auto& web = bed.web;
    const TempDir elsewhere;
    StressReconciler stranger{program(), hold(elsewhere)};
    auto known = bed.record_of(kCpu);
    auto lost = known;
    lost.uid = "test/lost";
    auto foreign = known;
    foreign.uid = "test/foreign";
    REQUIRE(bed.inject(known));
    REQUIRE(bed.inject(lost));
    REQUIRE(bed.finish(stranger.inject(foreign, false)));
    CHECK(web.stressors().size() == 3);
    StressReconciler after{program(), hold(bed.dir)};
    after.restore(known);
    CHECK(bed.finish(after.sweep()) == 1);
    CHECK(web.stressors().size() == 2);
    CHECK(bed.finish(after.undo(known)));
    CHECK(bed.finish(stranger.undo(foreign)));
    CHECK(web.stressors().empty());
}

TEST_CASE("A life that is over is told as gone; the next one is not touched", "[docker][stress]") {
    ReconcilerBed bed;
    const auto& web = bed.web;
    const auto record = bed.record_of(kCpu);
    REQUIRE(bed.inject(record));
    bed.c.docker({"restart", "-t", "0", web.name()});
    const auto again = bed.inject(record, true);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::kNotFound);
    const auto undone = bed.undo(record);
    REQUIRE_FALSE(undone);
    CHECK(undone.error().code == ErrorCode::kNotFound);
    CHECK(web.stressors().empty());
}

TEST_CASE("A program that is missing is told as not supported", "[docker][stress]") {
    ReconcilerBed bed;
    StressReconciler lacking{"/nowhere/chaos-stressor", hold(bed.dir)};
    const auto injected = bed.finish(lacking.inject(bed.record_of(kCpu), false));
    REQUIRE_FALSE(injected);
    CHECK(injected.error().code == ErrorCode::kUnsupported);
    CHECK_THAT(injected.error().context, Catch::Contains("belongs beside chaos-controller"));
}
