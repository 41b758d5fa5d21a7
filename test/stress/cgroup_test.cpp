// Control groups as text: what kernels write, and what nobody should.
#include "reconcilers/stress/cgroup.h"

#include <unistd.h>

#include <filesystem>

#include "reconcilers/stress/control_files.h"
#include "reconcilers/stress/host.h"
#include "test/support/catch.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::stress;
using namespace chaos::test;

namespace {

const std::string kVersion1 =
    "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
    "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
const std::string kVersion2 =
    "29 24 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

std::string place(const Group& group) { return group.mount + group.directory; }

std::vector<std::string> places(const std::string& memberships, const std::string& mounts) {
    const auto groups = locate(parse_memberships(memberships), parse_hierarchies(mounts));
    if (!groups) return {groups.error().context};
    std::vector<std::string> places;
    for (const auto& group : *groups) places.push_back(place(group));
    return places;
}

}  // namespace

TEST_CASE("A container's groups are found, with either version and either driver") {
    CHECK(places("4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
                 kVersion1) == std::vector<std::string>{"/sys/fs/cgroup/memory/docker/abc",
                                                        "/sys/fs/cgroup/cpu,cpuacct/docker/abc",
                                                        "/sys/fs/cgroup/systemd/docker/abc"});
    CHECK(places("0::/system.slice/docker-abc.scope\n", kVersion2) ==
          std::vector<std::string>{"/sys/fs/cgroup/system.slice/docker-abc.scope"});
    CHECK(
        places("4:memory:/docker/abc\n0::/docker/abc\n", kVersion1 + kVersion2) ==
        std::vector<std::string>{"/sys/fs/cgroup/memory/docker/abc", "/sys/fs/cgroup/docker/abc"});
}

TEST_CASE("A group that cannot be reached is an error, unless everybody is in it") {
    CHECK(places("7:pids:/\n4:memory:/docker/abc\n", kVersion1) ==
          std::vector<std::string>{"/sys/fs/cgroup/memory/docker/abc"});
    CHECK_THAT(places("7:pids:/docker/abc\n", kVersion1).at(0),
               Catch::Contains("of pids: its hierarchy is not mounted"));
    // A cgroup namespace that does not show it.
    CHECK_THAT(places("0::/../../docker/abc\n", kVersion2).at(0),
               Catch::Contains("--cgroupns=host"));
}

TEST_CASE("A mount that shows a part of the hierarchy, and odd characters, are understood") {
    const std::string part = "9 8 0:25 /docker /mnt/a\\040b rw - cgroup2 cgroup2 rw\n";
    CHECK(places("0::/docker/abc\n", part) == std::vector<std::string>{"/mnt/a b/abc"});
    CHECK_THAT(places("0::/other\n", part).at(0), Catch::Contains("is not visible below"));
}

TEST_CASE("Lines that make no sense are left out") {
    CHECK(parse_memberships("\n::\nx\n4:memory:docker\n1:2").empty());
    CHECK(parse_hierarchies("\n - \n1 2 3 - cgroup x y\n1 2 3:4 / /a rw cgroup\n").empty());
}

TEST_CASE("The numbers of control files are read, and nothing else is taken for one") {
    CHECK(number_in("42\n") == 42);
    CHECK_FALSE(number_in("max\n"));
    CHECK_FALSE(number_in("-1"));
    CHECK_FALSE(number_in("42x"));
    CHECK_FALSE(number_in(""));
    CHECK(value_in("oom 1\noom_kill 3\n", "oom_kill") == 3);
    CHECK(value_in("MemTotal:       24105 kB\n", "MemTotal:") == 24105);
    CHECK_FALSE(value_in("oom_kill_disable 0\n", "oom_kill"));
    CHECK(cpus_in("50000 100000") == 0.5);
    CHECK_FALSE(cpus_in("max 100000"));
    CHECK_FALSE(cpus_in("-1 100000"));
    CHECK_FALSE(cpus_in("5 0"));
    CHECK(sum_in("8:0 rbytes=5 wbytes=7 rios=1\n8:16 rbytes=1 wbytes=2\n", "wbytes=") == 9);
    CHECK(sum_in("8:0 Read 5\n8:0 Write 7\n8:0 Total 12\nTotal 12\n", "Write ") == 7);
    CHECK(pressure_in("some avg10=1.25 avg60=0.00\nfull avg10=9\n") == 1.25);
    CHECK_FALSE(pressure_in("full avg10=1\n"));
}

TEST_CASE("The least of what a group and those above it allow counts") {
    const TempDir dir;
    const auto write = [&](const std::string& file, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path{dir / file}.parent_path());
        dir.write(file, text);
    };
    write("a/b/cpu.max", "max 100000\n");
    write("a/cpu.max", "150000 100000\n");
    write("a/b/memory.max", "200\n");
    write("a/memory.max", "100\n");
    write("a/b/memory.current", "90\n");
    write("a/b/memory.stat", "anon 50\ninactive_file 30\n");
    write("a/b/memory.events", "oom 2\noom_kill 1\n");
    write("a/b/pids.max", "max\n");
    write("a/b/pids.current", "7\n");
    write("a/b/cpu.stat", "usage_usec 12\nnr_periods 10\nnr_throttled 4\n");
    write("a/b/io.stat", "8:0 rbytes=5 wbytes=7\n");
    const Cgroup cgroup{{Group{"", dir / "", "/a/b"}}};
    CHECK(cgroup.limits() == Limits{.cpus = 1.5, .memory = 100, .pids = {}});
    const auto usage = cgroup.usage();
    CHECK(usage.memory == 60);
    CHECK(usage.oom_kills == 1);
    CHECK(usage.cpu_ns == 12'000);
    CHECK(usage.throttled == 4);
    CHECK(usage.written == 7);
    CHECK(usage.pids == 7);
}

TEST_CASE(
    "What is used is told where the limit is: a container may have moved its processes down") {
    const TempDir dir;
    const auto write = [&](const std::string& file, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path{dir / file}.parent_path());
        dir.write(file, text);
    };
    write("c/memory.max", "100\n");
    write("c/memory.current", "80\n");
    write("c/init/memory.max", "max\n");
    write("c/init/memory.current", "10\n");
    write("c/init/cgroup.events", "populated 1\nfrozen 0\n");
    const Cgroup cgroup{{Group{"", dir / "", "/c/init"}}};
    CHECK(cgroup.memory() == 80);
    CHECK(cgroup.memory_levels() == std::vector<Level>{{100, 80}});
    CHECK_FALSE(cgroup.frozen());
    write("c/init/cgroup.events", "populated 1\nfrozen 1\n");
    CHECK(cgroup.frozen());
}

TEST_CASE("Version 1 says the same in other files") {
    const TempDir dir;
    const auto write = [&](const std::string& file, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path{dir / file}.parent_path());
        dir.write(file, text);
    };
    write("cpu/c/cpu.cfs_quota_us", "50000\n");
    write("cpu/c/cpu.cfs_period_us", "100000\n");
    write("cpu/cpu.cfs_quota_us", "-1\n");
    write("cpu/c/cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 1\n");
    write("acct/c/cpuacct.usage", "12000\n");
    write("mem/c/memory.limit_in_bytes", "9223372036854771712\n");
    write("mem/c/memory.usage_in_bytes", "90\n");
    write("mem/c/memory.stat", "cache 1\ntotal_inactive_file 30\n");
    write("mem/c/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    const Cgroup cgroup{{Group{"cpu", dir / "cpu", "/c"}, Group{"cpuacct", dir / "acct", "/c"},
                         Group{"memory", dir / "mem", "/c"}}};
    CHECK(cgroup.limits() == Limits{.cpus = 0.5, .memory = {}, .pids = {}});
    const auto usage = cgroup.usage();
    CHECK(usage.cpu_ns == 12'000);
    CHECK(usage.periods == 10);
    CHECK(usage.memory == 60);
    CHECK(usage.oom_kills == 1);
}

TEST_CASE("The host's own figures are read") {
    CHECK(cpus_of(::getpid()) >= 1);
    const auto memory = host_memory();
    CHECK(memory.total > memory.available);
    CHECK(memory.available > 0);
    const auto pids = host_pids();
    CHECK(pids.limit > pids.used);
    CHECK(pids.used > 0);
}
