// Stress actions: what manifests say, and what they say wrong.
#include "test/manifest/decode_action.h"

using namespace chaos;
using namespace chaos::manifest;
using namespace chaos::test;
using namespace std::chrono_literals;

namespace {

StressFault fault(const std::string& type, const std::string& parameters) {
    return decode_fault_of<StressFault>(type, parameters);
}

}  // namespace

TEST_CASE("Every stress action is read with its defaults") {
    CHECK(fault("cpu_stress", "load: 80").cpu == CpuStress{80, {}});
    CHECK(fault("cpu_stress", "load: 80, workers: 2").cpu == CpuStress{80, 2});
    CHECK(fault("cpu_stress", "intensity: low").cpu == CpuStress{50, {}});
    CHECK(fault("memory_stress", "percent: 75").memory == MemoryStress{.percent = 75});
    CHECK(fault("memory_stress", "size: 64Mi, ramp: 30s, oom_score_adj: 0").memory ==
          MemoryStress{.size = 64U << 20U, .ramp = 30s, .oom_score_adj = 0});
    CHECK(fault("memory_stress", "intensity: medium, size: 1Mi").memory ==
          MemoryStress{.size = 1U << 20U});
    CHECK(fault("io_stress", "").io == IoStress{1, 64U << 20U, "/"});
    CHECK(fault("io_stress", "intensity: medium, size: 8Mi, path: /data").io ==
          IoStress{2, 8U << 20U, "/data"});
    CHECK(fault("disk_fill", "percent: 50").fill == DiskFill{.percent = 50});
    CHECK(fault("disk_fill", "size: 1Gi, path: /var").fill ==
          DiskFill{.size = 1U << 30U, .path = "/var"});
    CHECK(fault("pid_stress", "count: 100").pids == PidStress{.count = 100});
    CHECK(fault("pid_stress", "intensity: low").pids == PidStress{.percent = 50});
}

TEST_CASE("resource_stress has any of its parts") {
    const auto all = fault("resource_stress",
                           "cpu: {load: 80}, memory: {percent: 75, ramp: 5s}, io: {workers: 2}");
    CHECK(all.action == StressAction::kCombined);
    CHECK(all.cpu == CpuStress{80, {}});
    CHECK(all.memory == MemoryStress{.percent = 75, .ramp = 5s});
    CHECK(all.io == IoStress{2, 64U << 20U, "/"});
    const auto one = fault("resource_stress", "memory: {size: 1Mi}");
    CHECK((!one.cpu && !one.io && !one.fill && !one.pids));
    CHECK(one.memory == MemoryStress{.size = 1U << 20U});
}

TEST_CASE("Wrong stress parameters are told with their place and what was expected") {
    struct Case {
        std::string type;
        std::string parameters;
        std::string expected;
    };
    const std::string at = "spec.scenarios[0].actions[0].parameters";
    const auto& [type, parameters, expected] = GENERATE_COPY(values<Case>({
        {"cpu_stress", "", at + ".load: missing; expected a number above 0, or an intensity"},
        {"cpu_stress", "load: 0", at + ".load: found 0, expected more than 0"},
        {"cpu_stress", "load: 101", at + ".load: found 101, expected a number from 0 to 100"},
        {"cpu_stress", "load: 5, workers: 4294967297",
         at + ".workers: found 4294967297, expected 1 to 1024"},
        {"memory_stress", "", at + ": missing; expected one of percent and size, or an intensity"},
        {"memory_stress", "percent: 5, size: 1Mi", at + ": expected only one of percent and size"},
        {"memory_stress", "percent: 0", at + ".percent: found 0, expected more than 0"},
        {"memory_stress", "size: 10", at + ".size: found 10, expected at least 64Ki"},
        {"memory_stress", "size: many", at + ".size: found \"many\", expected an amount of data"},
        {"memory_stress", "percent: 5, oom_score_adj: 1001", "expected a whole number"},
        {"io_stress", "size: 4k", at + ".size: found \"4k\", expected at least 1Mi"},
        {"io_stress", "path: data", at + ".path: found \"data\", expected an absolute path"},
        {"io_stress", "path: /a/../../etc", "expected an absolute path inside the container"},
        {"disk_fill", "", at + ": missing; expected one of percent and size"},
        {"disk_fill", "size: 1Gi, path: \"..\"", at + ".path: found"},
        {"pid_stress", "", at + ": missing; expected one of percent and count"},
        {"pid_stress", "count: 30001", at + ".count: found 30001, expected 1 to 30000"},
        {"resource_stress", "", at + ": found no stress, expected at least one of cpu, memory"},
        {"resource_stress", "cpu: {}", at + ".cpu.load: missing"},
        {"resource_stress", "memory: {}", at + ".memory: missing; expected one of percent and"},
        {"resource_stress", "io: {path: x}", at + ".io.path: found \"x\""},
        {"resource_stress", "load: 5", "unknown parameter for resource_stress"},
    }));
    const auto documents = decode_action(type, parameters);
    REQUIRE_FALSE(documents.at(0).experiment);
    std::string told;
    for (const auto& problem : documents[0].problems) told += render("f.yaml", problem) + "\n";
    INFO(type << " {" << parameters << "}");
    CHECK_THAT(told, Catch::Contains(expected));
    CHECK_THAT(told, Catch::StartsWith("f.yaml:8:"));
}
