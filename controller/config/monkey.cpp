#include "controller/config/monkey.h"

#include "controller/api/names.h"
#include "controller/manifest/emit.h"

namespace chaos::config {
namespace {

using manifest::map_node;
using manifest::Node;
using manifest::text_node;

constexpr Names<MonkeyMode, 4> kModes{{{"disabled", MonkeyMode::kDisabled},
                                       {"safe", MonkeyMode::kSafe},
                                       {"production", MonkeyMode::kProduction},
                                       {"aggressive", MonkeyMode::kAggressive}}};
// In mode aggressive: how long after one run the next may follow.
constexpr std::string_view kAggressivePattern = "@every 1s";

Node targets_of(const MonkeySchedule& schedule) {
    Node targets = manifest::list_node();
    for (const auto& [service, weight] : schedule.targets) {
        Node target = map_node();
        target.add("service", text_node(service));
        target.add("weight", manifest::number_node(weight));
        targets.items.push_back(std::move(target));
    }
    return targets;
}

Node scenarios_of(const MonkeySchedule& schedule) {
    Node parameters = map_node();
    parameters.add("intensity", text_node(schedule.intensity));
    Node action = map_node();
    action.add("type", text_node(schedule.experiment_type));
    action.add("parameters", std::move(parameters));
    Node actions = manifest::list_node();
    actions.items.push_back(std::move(action));
    Node scenario = map_node();
    scenario.add("name", text_node(schedule.name));
    scenario.add("probability", manifest::number_node(schedule.probability));
    scenario.add("actions", std::move(actions));
    Node scenarios = manifest::list_node();
    scenarios.items.push_back(std::move(scenario));
    return scenarios;
}

}  // namespace

std::string manifest_of(const MonkeySchedule& schedule, MonkeyMode mode) {
    Node metadata = map_node();
    metadata.add("name", text_node(std::string{kMonkeyPrefix} + schedule.name));
    metadata.add("description", text_node("Chaos monkey, schedule " + schedule.name));
    Node safety = map_node();
    const bool safe = mode == MonkeyMode::kSafe || schedule.safe_mode;
    safety.add("safe_mode", manifest::flag_node(safe));
    safety.add("max_affected_services", manifest::integer_node(1));
    Node spec = map_node();
    spec.add("duration", text_node(format_duration(schedule.duration)));
    const bool aggressive = mode == MonkeyMode::kAggressive;
    spec.add("schedule", text_node(aggressive ? kAggressivePattern : schedule.pattern));
    spec.add("time_zone", text_node(schedule.time_zone));
    spec.add("on_no_targets", text_node("skip"));
    spec.add("safety", std::move(safety));
    spec.add("targets", targets_of(schedule));
    spec.add("scenarios", scenarios_of(schedule));
    Node root = map_node();
    root.add("apiVersion", text_node(kApiVersion));
    root.add("kind", text_node(kKind));
    root.add("metadata", std::move(metadata));
    root.add("spec", std::move(spec));
    return manifest::emit_yaml(root);
}

bool takes_place(const MonkeySchedule& schedule, MonkeyMode mode) {
    return schedule.enabled && mode != MonkeyMode::kDisabled &&
           (mode != MonkeyMode::kSafe || schedule.safe_mode);
}

std::string_view to_string(MonkeyMode mode) { return find_name(kModes, mode); }

std::optional<MonkeyMode> parse_mode(std::string_view text) { return find_value(kModes, text); }

}  // namespace chaos::config
