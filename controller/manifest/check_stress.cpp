#include <algorithm>

#include "controller/manifest/build_stress.h"
#include "controller/manifest/checker.h"

namespace chaos::manifest {
namespace {

// Loads must stay bounded whatever a manifest says.
constexpr int kMostWorkers = 1024;
constexpr int kMostPids = 30'000;                      // each takes two of vm.max_map_count (65530)
constexpr std::uint64_t kSmallestAmount = 64U << 10U;  // what shows among the kernel's batches
constexpr std::uint64_t kSmallestFile = 1U << 20U;

class Checker : public ParameterChecker {
public:
    using ParameterChecker::ParameterChecker;

    void check(const StressFault& fault, const Node& node, const std::string& path) {
        const bool combined = fault.action == StressAction::kCombined;
        const Place all{node, path};
        const auto below = [&](std::string_view key) { return all.below(key, combined); };
        if (fault.cpu) check_cpu(*fault.cpu, below("cpu"));
        if (fault.memory) check_memory(*fault.memory, below("memory"));
        if (fault.io) check_io(*fault.io, below("io"));
        if (fault.fill) check_fill(*fault.fill, below("fill"));
        if (fault.pids) check_pids(*fault.pids, below("pids"));
        if (combined && !fault.cpu && !fault.memory && !fault.io) {
            report(node, path, "found no stress, expected at least one of cpu, memory and io");
        }
    }

private:
    // A value that the manifest or an intensity has set.
    void expect_at(const Place& place, std::string_view key, std::string_view expected) {
        const Node* node = place.node.find(key);
        expect(node == nullptr ? place.node : *node, place.path + "." + std::string{key}, expected);
    }

    void check_cpu(const CpuStress& cpu, const Place& place) {
        if (place.node.find("load") == nullptr) {
            missing(place, "load", "a number above 0");
        } else if (cpu.load <= 0) {
            expect_at(place, "load", "more than 0");
        }
        check_workers(cpu.workers.value_or(1), place);
    }

    void check_workers(int workers, const Place& place) {
        if (workers > kMostWorkers) expect_at(place, "workers", "1 to 1024");
    }

    // One of a share and an amount, and neither next to nothing.
    void check_amount(const std::optional<double>& percent, bool amount, bool too_little,
                      std::string_view key, const Place& place) {
        const bool written =
            place.node.find("percent") != nullptr && place.node.find("intensity") == nullptr;
        const auto both = "percent and " + std::string{key};
        if (amount && written) {
            report(place.node, place.path, "expected only one of " + both);
        } else if (amount && too_little) {
            expect_at(place, key, "at least 64Ki");
        } else if (!amount && !percent) {
            report(place.node, place.path,
                   "missing; expected one of " + both + ", or an intensity that sets percent");
        } else if (percent && *percent <= 0) {
            expect_at(place, "percent", "more than 0");
        }
    }

    void check_memory(const MemoryStress& memory, const Place& place) {
        check_amount(memory.percent, memory.size.has_value(), memory.size < kSmallestAmount, "size",
                     place);
    }

    void check_io(const IoStress& io, const Place& place) {
        check_workers(io.workers, place);
        if (io.size < kSmallestFile) expect_at(place, "size", "at least 1Mi");
        check_path(io.path, place);
    }

    void check_fill(const DiskFill& fill, const Place& place) {
        check_amount(fill.percent, fill.size.has_value(), fill.size < kSmallestAmount, "size",
                     place);
        check_path(fill.path, place);
    }

    void check_pids(const PidStress& pids, const Place& place) {
        check_amount(pids.percent, pids.count.has_value(), false, "count", place);
        if (pids.count > kMostPids) expect_at(place, "count", "1 to 30000");
    }

    // Links inside the container stay inside it (openat2, RESOLVE_IN_ROOT); these are for people,
    // who should see at once what is meant.
    void check_path(const std::string& path, const Place& place) {
        bool climbs = false;
        for (std::size_t at = 0; at < path.size();) {
            const auto end = std::min(path.find('/', at), path.size());
            climbs = climbs || path.substr(at, end - at) == "..";
            at = end + 1;
        }
        const bool odd = path.find('\0') != std::string::npos;
        if (!path.starts_with('/') || climbs || odd) {
            expect_at(place, "path", "an absolute path inside the container, without \"..\"");
        }
    }
};

}  // namespace

void check_stress(const StressFault& fault, const Node& parameters, const std::string& path,
                  std::vector<Diagnostic>& problems) {
    Checker{problems}.check(fault, parameters, path);
}

}  // namespace chaos::manifest
