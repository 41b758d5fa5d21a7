#include "controller/manifest/supported.h"

#include <algorithm>
#include <array>

namespace chaos::manifest {
namespace {

constexpr std::array<std::string_view, 6> kBuilt{"container_kill",    "container_stop",
                                                 "container_restart", "container_remove",
                                                 "container_pause",   "process_kill"};

// Fields of spec that must be absent.
constexpr std::array<std::string_view, 5> kSpecFields{
    "time_zone", "starting_deadline", "concurrency_policy", "history_limit", "probes"};

constexpr std::string_view kNotSupported = " is not supported in this version";

void refuse(const Node& node, std::string path, std::string_view what,
            std::vector<Diagnostic>& problems) {
    problems.push_back(
        {node.mark, std::move(path), std::string{what} + std::string{kNotSupported}});
}

void check_spec(const Node& spec, std::vector<Diagnostic>& problems) {
    for (const auto field : kSpecFields) {
        if (const Node* node = spec.find(field)) {
            refuse(*node, "spec." + std::string{field}, field, problems);
        }
    }
    const Node* schedule = spec.find("schedule");
    if (schedule != nullptr && schedule->scalar != "once" && schedule->scalar != "manual") {
        refuse(*schedule, "spec.schedule",
               "found " + schedule->describe() + ", expected once or manual; any other schedule",
               problems);
    }
    if (const Node* conditions = spec.at("safety", "stop_conditions")) {
        refuse(*conditions, "spec.safety.stop_conditions", "stop_conditions", problems);
    }
    const Node* safe_mode = spec.at("safety", "safe_mode");
    if (safe_mode != nullptr && safe_mode->scalar == "false") {
        refuse(*safe_mode, "spec.safety.safe_mode",
               "safe_mode: false may run only inside a maintenance window, which", problems);
    }
}

}  // namespace

bool is_built(std::string_view action_type) {
    return std::ranges::find(kBuilt, action_type) != kBuilt.end();
}

std::vector<std::string> built_actions() { return {kBuilt.begin(), kBuilt.end()}; }

void check_supported(const Node& document, std::vector<Diagnostic>& problems) {
    const Node* spec = document.find("spec");
    if (spec != nullptr && spec->is_map()) check_spec(*spec, problems);
}

}  // namespace chaos::manifest
