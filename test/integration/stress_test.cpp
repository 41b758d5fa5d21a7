// Stress faults as a user meets them. Those tagged [lab] run in the lab too, under cgroup version
// 2; those tagged [alone] measure the machine's processors or look at all of its processes.
#include <csignal>

#include "test/stress/stress_bed.h"
#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::test;

namespace {

constexpr double kMi = 1U << 20U;
// 5 percentage points; an emulated machine is easily held up.
const double kPoints = slowness() > 1 ? 0.1 : 0.05;

std::string cpu(int load, const std::string& more = "") {
    return "{type: cpu_stress, parameters: {load: " + std::to_string(load) + more + "}}";
}

std::string memory(const std::string& parameters) {
    return "{type: memory_stress, parameters: {" + parameters + "}}";
}

std::string fill(const std::string& parameters) {
    return "{type: disk_fill, parameters: {" + parameters + "}}";
}

bool is_near(double value, double wanted, double off) { return std::abs(value - wanted) < off; }

// Waits until what the container has in use is within 5 % of that.
bool comes_to(const Watched& web, double mebibytes) {
    return until([&] { return is_near(web.mebibytes(), mebibytes, 0.05 * mebibytes); });
}

bool alive(int pid) { return ::kill(pid, 0) == 0; }

}  // namespace

TEST_CASE("CPU load is a share of the container's own limit, also after it was changed",
          "[docker][stress][lab][alone]") {
    const StressBed bed;
    bed.apply("s", cpu(80));
    // 5 percentage points of half a processor.
    CHECK(until([&] { return is_near(bed.web.cpus(10s), 0.4, kPoints * 0.5); }, 40s));
    CHECK(until([&] { return bed.lab.condition("s", "EffectVerified") == "True ReadBack"; }));
    const auto pids = bed.web.stressors();
    REQUIRE(pids.size() == 1);
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), cpu(20)));
    CHECK(until([&] { return is_near(bed.web.cpus(1s), 0.1, 0.025); }));
    CHECK(bed.web.stressors() == pids);
    bed.c.docker({"update", "--cpus", "1", bed.web.name()});
    CHECK(until([&] { return is_near(bed.web.cpus(1s), 0.2, 0.05); }));
    bed.remove("s");
    CHECK(bed.web.stressors().empty());
    CHECK(bed.web.cpus(500ms) < 0.01);
}

TEST_CASE("Without a limit CPU load is a share of the host's processors, and docker stats sees it",
          "[docker][stress][lab][alone]") {
    const StressBed bed{{"--memory", "128m"}};
    bed.apply("s", cpu(60));
    const double wanted = 0.6 * stress::cpus_of(bed.web.pid());
    CHECK(until([&] { return is_near(bed.web.cpus(10s), wanted, kPoints * wanted / 0.6); }, 40s));
    // Docker's own measurement is of one second, by two clocks.
    CHECK(measured([&] {
        const auto seen =
            bed.c.docker({"stats", "--no-stream", "--format", "{{.CPUPerc}}", bed.web.name()});
        return is_near(std::stod(seen), wanted * 100, wanted * 35);
    }));
}

TEST_CASE("Memory comes up to a share of the limit, follows edits and limits, and goes",
          "[docker][stress][lab]") {
    const StressBed bed;
    const auto before = bed.web.mebibytes();
    bed.apply("s", memory("percent: 75"));
    CHECK(comes_to(bed.web, 96));
    CHECK(until([&] { return bed.lab.condition("s", "EffectVerified") == "True ReadBack"; }));
    CHECK(std::stod(bed.lab.evidence("s", "memory_limit_bytes")) == 128 * kMi);
    const auto pids = bed.web.stressors();
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), memory("percent: 50")));
    CHECK(comes_to(bed.web, 64));
    bed.c.docker({"update", "--memory", "96m", "--memory-swap", "-1", bed.web.name()});
    CHECK(comes_to(bed.web, 48));
    CHECK(bed.web.stressors() == pids);
    bed.remove("s");
    CHECK(until([&] { return bed.web.mebibytes() < before + 2; }));
    CHECK(bed.c.restarts(bed.web.name()) == 0);
}

TEST_CASE("An amount of memory is added to what the container uses, over the time of the ramp",
          "[docker][stress]") {
    const StressBed bed;
    const auto before = bed.web.mebibytes();
    bed.apply("s", memory("size: 64Mi, ramp: 3s"));
    CHECK(bed.web.mebibytes() < before + 56);
    CHECK(comes_to(bed.web, before + 64));
}

TEST_CASE("The target survives memory stress up to 95 %, and takes its memory back",
          "[docker][stress][lab]") {
    StressBed bed;
    // Takes 30 MiB, in steps, once there is a file to tell it so.
    const auto hungry = bed.c.start(
        "hungry", {.options = {"--memory", "96m"},
                   .command = {"/bin/sh", "-c",
                               "while test ! -e /tmp/go; do sleep 0.1; done; x=0123456789abcdef; "
                               "while test ${#x} -lt 15000000; do x=$x$x; done; sleep 1000"}});
    const Watched web{bed.c, hungry};
    bed.lab.write("s.yaml", experiment("s", by_name(hungry), memory("percent: 95")));
    bed.lab.expect_phase("s", "Running");
    CHECK(comes_to(web, 91.2));
    bed.c.docker({"exec", hungry, "/bin/sh", "-c", "echo > /tmp/go"});
    CHECK(until([&] {
        const auto held = bed.lab.evidence("s", "memory_of_stressor_bytes");
        return !held.empty() && std::stod(held) < 80 * kMi;
    }));
    CHECK(comes_to(web, 91.2));
    CHECK(bed.c.restarts(hungry) == 0);
    CHECK(bed.c.inspect(hungry, "{{.State.Running}}") == "true");
}

TEST_CASE("Memory stress of a container without a limit goes by what the host can spare",
          "[docker][stress]") {
    const StressBed bed{{}};
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), memory("size: 100Ti")));
    bed.lab.expect_phase("s", "Failed");
    CHECK_THAT(bed.lab.field("s", "message"),
               Catch::Contains("would take the host above 90 % of its memory") &&
                   Catch::Contains("has no memory limit"));
    CHECK(bed.web.stressors().empty());
}

TEST_CASE("I/O stress reads and writes, counted where the kernel counts, and leaves no file",
          "[docker][stress][lab]") {
    const StressBed bed;
    bed.apply("s", "{type: io_stress, parameters: {workers: 2, size: 1Mi}}");
    CHECK(until([&] { return bed.lab.condition("s", "EffectVerified") == "True ReadBack"; }));
    CHECK(std::stoll(bed.lab.evidence("s", "bytes_written")) >= 1 << 20);
    CHECK(std::stoll(bed.lab.evidence("s", "bytes_read")) >= 1 << 20);
    const bool version2 = std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers");
    const auto* counted_by = version2 ? "control group" : "stressor";
    CHECK(bed.lab.evidence("s", "bytes_counted_by") == counted_by);
    bed.remove("s");
    CHECK(bed.c.docker({"diff", bed.web.name()}).empty());
}

TEST_CASE("Disk space is taken up, changed in place and freed, on undo and at its end",
          "[docker][stress][lab][alone]") {
    const StressBed bed;
    const auto before = bed.web.free_space();
    const auto taken = [&] { return static_cast<double>(before - bed.web.free_space()) / kMi; };
    const auto comes = [&](double mebibytes) {
        return until([&] { return is_near(taken(), mebibytes, 8); });
    };
    bed.apply("s", fill("size: 64Mi"));
    CHECK(comes(64));
    CHECK(until([&] { return bed.lab.condition("s", "EffectVerified") == "True ReadBack"; }));
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), fill("size: 24Mi")));
    CHECK(comes(24));
    CHECK(bed.c.docker({"diff", bed.web.name()}).empty());
    bed.remove("s");
    CHECK(comes(0));
    bed.lab.write("t.yaml",
                  experiment("t", by_name(bed.web.name()), fill("size: 64Mi, duration: 2s")));
    bed.lab.expect_phase("t", "Completed");
    CHECK(comes(0));
}

TEST_CASE("A fill that would leave the host too little is refused, with the figures",
          "[docker][stress]") {
    const StressBed bed;
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), fill("size: 900Ti")));
    bed.lab.expect_phase("s", "Failed");
    CHECK_THAT(bed.lab.field("s", "message"),
               Catch::Contains("would leave less than 5 % of the file system free"));
    CHECK(bed.web.stressors().empty());
}

TEST_CASE("Files go nowhere but to the container's own file systems", "[docker][stress]") {
    Containers c;
    Lab lab{c};
    lab.start();
    const auto refusal = [&](const std::string& name, const std::string& container,
                             const std::string& path) {
        lab.write(name + ".yaml",
                  experiment(name, by_name(container), fill("size: 1Mi, path: " + path)));
        lab.expect_phase(name, "Failed");
        return lab.field(name, "message");
    };
    const TempDir host;
    const auto read_only = c.start("ro", {.options = {"--read-only"}});
    CHECK_THAT(refusal("a", read_only, "/"), Catch::Contains("mounted read-only"));
    const auto web = c.start("web", {.options = {"-v", host.path() + ":/host", "--tmpfs", "/mem"}});
    CHECK_THAT(refusal("b", web, "/host"), Catch::Contains("outside the container"));
    CHECK_THAT(refusal("c", web, "/mem"), Catch::Contains("memory_stress is for that"));
    CHECK_THAT(refusal("d", web, "/nowhere"), Catch::Contains("No such file or directory"));
    CHECK_THAT(refusal("e", web, "/proc"), Catch::Contains("path /proc"));
    // A link leads to where it leads in the container, whatever is there on the host.
    c.docker({"exec", web, "/bin/sh", "-c", "/bin/busybox ln -s /../../tmp /link"});
    lab.write("f.yaml", experiment("f", by_name(web), fill("size: 1Mi, path: /link")));
    lab.expect_phase("f", "Running");
    // A root of its own choice may be the host's.
    const auto chrooted =
        c.start("chrooted", {.options = {"-v", "/:/host"},
                             .command = {"/bin/busybox", "chroot", "/host", "/bin/sleep", "1000"}});
    CHECK_THAT(refusal("h", chrooted, "/tmp"), Catch::Contains("has /host for its root"));
    // A volume is the container's own.
    const auto stored = c.start("stored", {.options = {"-v", "/data"}});
    lab.write("g.yaml", experiment("g", by_name(stored), fill("size: 1Mi, path: /data")));
    lab.expect_phase("g", "Running");
}

TEST_CASE("Process numbers come up to a share of the limit", "[docker][stress][lab]") {
    const StressBed bed{{"--pids-limit", "100"}};
    bed.apply("s", "{type: pid_stress, parameters: {percent: 80}}");
    const auto count = [&] { return bed.web.cgroup().pids().value_or(0); };
    CHECK(until([&] { return count() == 80; }));
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()),
                                       "{type: pid_stress, parameters: {percent: 40}}"));
    CHECK(until([&] { return count() == 40; }));
    bed.remove("s");
    CHECK(until([&] { return count() < 10; }));
}

TEST_CASE("Stressors go with the container and come again with its next life",
          "[docker][stress][lab]") {
    const StressBed bed;
    bed.apply("s", memory("percent: 50"));
    CHECK(comes_to(bed.web, 64));
    const auto first = bed.web.stressors();
    REQUIRE(first.size() == 1);
    ::kill(bed.web.pid(), SIGKILL);
    CHECK(until([&] { return !alive(first[0]); }));
    CHECK(until([&] { return bed.c.restarts(bed.web.name()) == 1; }));
    CHECK(until([&] { return bed.web.stressors().size() == 1; }));
    CHECK(comes_to(bed.web, 64));
    // Docker has removed the control group, and waits for nobody.
    bed.c.docker({"stop", "-t", "5", bed.web.name()});
    bed.c.docker({"rm", bed.web.name()});
    CHECK(until([&] { return bed.lab.ctl({"verify-clean"}).exit_code == 0; }));
}

TEST_CASE("What is paused is stressed no more, and can be undone all the same",
          "[docker][stress][lab]") {
    const StressBed bed;
    bed.apply("s", cpu(80));
    CHECK(until([&] { return bed.web.cpus(200ms) > 0.2; }));
    const auto pids = bed.web.stressors();
    REQUIRE(pids.size() == 1);
    bed.c.docker({"pause", bed.web.name()});
    CHECK(until([&] { return bed.web.cpus(200ms) < 0.01; }));
    bed.c.docker({"unpause", bed.web.name()});
    CHECK(until([&] { return bed.web.cpus(200ms) > 0.2; }));
    CHECK(bed.web.stressors() == pids);
    bed.apply("m", memory("percent: 50"));
    CHECK(comes_to(bed.web, 64));
    bed.c.docker({"pause", bed.web.name()});
    bed.remove("s");
    CHECK_FALSE(alive(pids[0]));
    bed.remove("m");
    CHECK(until([&] { return bed.web.cgroup().pids() == 2; }));
    CHECK(bed.c.paused(bed.web.name()));
    bed.c.docker({"unpause", bed.web.name()});
}

TEST_CASE(
    "A refused edit leaves in force what was, and the condition says so; a good one comes at once",
    "[docker][stress]") {
    const StressBed bed;
    const auto io = [&](const std::string& path) {
        bed.lab.write("s.yaml",
                      experiment("s", by_name(bed.web.name()),
                                 "{type: io_stress, parameters: {size: 1Mi, path: " + path + "}}"));
    };
    io("/");
    bed.lab.expect_phase("s", "Running");
    const auto pids = bed.web.stressors();
    io("/nowhere");
    CHECK(until([&] { return bed.lab.condition("s", "Injected") == "Unknown Retrying"; }));
    CHECK(bed.web.stressors() == pids);
    io("/tmp");
    CHECK(until([&] { return bed.lab.condition("s", "Injected") == "True Injected"; }));
    CHECK(bed.web.stressors().size() == 1);
    CHECK(bed.web.stressors() != pids);
    bed.remove("s");
    CHECK(until([&] { return bed.web.cgroup().pids() == 2; }));
}

TEST_CASE("A container that has no process number left gets no stress, and is told why",
          "[docker][stress]") {
    const StressBed bed{{"--pids-limit", "2"}};
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), cpu(50, ", duration: 2s")));
    bed.lab.expect_phase("s", "Failed");
    CHECK(bed.lab.field("s", "reason") == "InjectionFailed");
    INFO(bed.lab.field("s", "message"));
    CHECK_THAT(bed.lab.field("s", "message"),
               Catch::Contains("limit of processes leaves its stressor too few"));
}

TEST_CASE("process_kill hits the container's processes, not what stresses it", "[docker][stress]") {
    const StressBed bed;
    bed.apply("s", cpu(10));
    const auto pids = bed.web.stressors();
    bed.lab.write("k.yaml", experiment("k", by_name(bed.web.name()),
                                       "{type: process_kill, parameters: {match: stress}}"));
    CHECK(until([&] {
        return bed.lab.ctl({"events", "k"}).out.find("no process matches") != std::string::npos;
    }));
    CHECK(bed.web.stressors() == pids);
}

TEST_CASE("Two containers, and two resources of one, are stressed beside each other",
          "[docker][stress]") {
    StressBed bed;
    const Watched db{bed.c, bed.c.start("db", {.options = {"--cpus", "0.2"}})};
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()) + ", " + by_name(db.name()),
                                       cpu(50), "  safety: {max_affected_services: 2}\n"));
    bed.lab.expect_phase("s", "Running");
    bed.apply("m", memory("percent: 50"));
    CHECK(until([&] { return bed.web.cpus(200ms) > 0.15 && db.cpus(200ms) > 0.05; }));
    CHECK(comes_to(bed.web, 64));
    bed.lab.write("again.yaml", experiment("again", by_name(bed.web.name()), cpu(10)));
    bed.lab.expect_phase("again", "Rejected");
    CHECK_THAT(bed.lab.field("again", "message"), Catch::Contains("(cpu) is held by experiment s"));
    bed.remove("s");
    CHECK(db.stressors().empty());
    CHECK(bed.web.stressors().size() == 1);
    CHECK(comes_to(bed.web, 64));
}

TEST_CASE("All of a combination shows, in one process", "[docker][stress]") {
    const StressBed bed;
    bed.apply("s",
              "{type: resource_stress, parameters: {cpu: {load: 40}, memory: {percent: 50}, "
              "io: {size: 1Mi}}}");
    CHECK(until([&] { return bed.lab.condition("s", "EffectVerified") == "True ReadBack"; }));
    CHECK(bed.web.stressors().size() == 1);
    for (const auto* key : {"cpu_percent", "memory_percent", "bytes_written", "oom_kills"}) {
        CHECK_FALSE(bed.lab.evidence("s", key).empty());
    }
}

TEST_CASE("A controller that was killed finds its stressor again; its orders go on",
          "[docker][stress]") {
    StressBed bed;
    bed.apply("s", cpu(80));
    const auto pids = bed.web.stressors();
    REQUIRE(pids.size() == 1);
    CHECK(bed.lab.stop(SIGKILL) == 128 + SIGKILL);
    bed.lab.start();
    bed.lab.write("s.yaml", experiment("s", by_name(bed.web.name()), cpu(20)));
    CHECK(until([&] { return is_near(bed.web.cpus(1s), 0.1, 0.05); }));
    CHECK(bed.web.stressors() == pids);
    bed.remove("s");
    CHECK(bed.web.stressors().empty());
}

TEST_CASE(
    "A killed controller's guard ends stressors at their end, and all of them after the grace",
    "[docker][stress]") {
    StressBed bed;
    bed.apply("s", cpu(50, ", duration: 3s"));
    bed.apply("m", memory("percent: 50"));
    CHECK(bed.web.stressors().size() == 2);
    CHECK(bed.lab.stop(SIGKILL) == 128 + SIGKILL);
    CHECK(until([&] { return bed.web.stressors().size() == 1; }));
    CHECK(until([&] { return bed.web.stressors().empty(); }));
    bed.lab.start();
    bed.lab.expect_phase("m", "Aborted");
}

TEST_CASE("Without controller and guard stressors end by themselves, paused ones once they run",
          "[docker][stress][lab]") {
    StressBed bed;
    const Watched db{bed.c, bed.c.start("db", {.options = {"--memory", "64m"}})};
    bed.apply("s", cpu(50));
    bed.apply("m", fill("size: 8Mi"));
    bed.lab.write("d.yaml", experiment("d", by_name(db.name()), memory("percent: 50")));
    bed.lab.expect_phase("d", "Running");
    bed.c.docker({"pause", db.name()});
    // The guard cannot act, as if it were dead too, but keeps them alive until it is.
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGSTOP);
    CHECK(bed.lab.stop(SIGKILL) == 128 + SIGKILL);
    CHECK(bed.web.stressors().size() == 2);
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGKILL);
    CHECK(until([&] { return bed.web.stressors().empty(); }));
    CHECK(db.stressors().size() == 1);
    bed.c.docker({"unpause", db.name()});
    CHECK(until([&] { return db.stressors().empty(); }));
    CHECK(bed.c.docker({"diff", bed.web.name()}).empty());
}

TEST_CASE("A stressor has its own end, whoever else is stopped", "[docker][stress]") {
    StressBed bed;
    bed.apply("s", cpu(50, ", duration: 2s"));
    CHECK(bed.web.stressors().size() == 1);
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGSTOP);
    ::kill(bed.lab.pid(), SIGSTOP);
    CHECK(until([&] { return bed.web.stressors().empty(); }));
    ::kill(bed.lab.pid(), SIGCONT);
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGCONT);
    bed.lab.expect_phase("s", "Completed");
}

TEST_CASE("A stressor that somebody has killed is put back, and the status says so",
          "[docker][stress]") {
    const StressBed bed;
    bed.apply("s", cpu(50));
    const auto pids = bed.web.stressors();
    REQUIRE(pids.size() == 1);
    ::kill(pids[0], SIGKILL);
    CHECK(until([&] { return bed.web.stressors().size() == 1 && bed.web.stressors() != pids; }));
    CHECK(until([&] {
        return bed.lab.ctl({"events", "s"}).out.find("FaultPutBack") != std::string::npos;
    }));
}

TEST_CASE("verify-clean tells of stressors, doctor whether there can be any",
          "[docker][stress][alone]") {
    const StressBed bed;
    CHECK(bed.lab.ctl({"verify-clean"}).exit_code == 0);
    bed.apply("s", cpu(50));
    const auto left = bed.lab.ctl({"verify-clean"});
    CHECK(left.exit_code == 1);
    CHECK_THAT(left.out, Catch::Contains("is in the control groups of container " + bed.web.name() +
                                         "; by hand: kill -9 "));
    const auto health = bed.lab.ctl({"doctor"}).out;
    INFO(health);
    CHECK_THAT(health, Catch::Contains("stressor") && Catch::Contains("control groups") &&
                           Catch::Contains("/chaos-stressor"));
}
