#include "controller/manifest/build_experiment.h"

#include "controller/manifest/build_network.h"
#include "controller/manifest/build_probe.h"
#include "controller/manifest/build_stress.h"
#include "controller/manifest/scalars.h"
#include "controller/manifest/signal.h"
#include "controller/schedule/recurrence.h"

namespace chaos::manifest {
namespace {

constexpr Names<Schedule, 2> kSchedules{{{"once", Schedule::kOnce}, {"manual", Schedule::kManual}}};
constexpr Names<ConcurrencyPolicy, 2> kPolicies{
    {{"forbid", ConcurrencyPolicy::kForbid}, {"replace", ConcurrencyPolicy::kReplace}}};
constexpr Names<OnNoTargets, 3> kOnNoTargets{
    {{"fail", OnNoTargets::kFail}, {"wait", OnNoTargets::kWait}, {"skip", OnNoTargets::kSkip}}};
constexpr Names<Targeting, 2> kTargeting{
    {{"dynamic", Targeting::kDynamic}, {"static", Targeting::kStatic}}};
constexpr Names<OnConflict, 2> kOnConflict{
    {{"reject", OnConflict::kReject}, {"queue", OnConflict::kQueue}}};
constexpr Names<Mode, 5> kModes{{{"one", Mode::kOne},
                                 {"all", Mode::kAll},
                                 {"fixed", Mode::kFixed},
                                 {"fixed_percent", Mode::kFixedPercent},
                                 {"random_max_percent", Mode::kRandomMaxPercent}}};
constexpr Names<Order, 2> kOrders{
    {{"sequential", Order::kSequential}, {"parallel", Order::kParallel}}};
constexpr Names<Intensity, 4> kIntensities{{{"low", Intensity::kLow},
                                            {"medium", Intensity::kMedium},
                                            {"high", Intensity::kHigh},
                                            {"extreme", Intensity::kExtreme}}};
constexpr Names<KillMethod, 2> kMethods{
    {{"process", KillMethod::kProcess}, {"api", KillMethod::kApi}}};
constexpr Names<LabelExpression::Operator, 4> kOperators{
    {{"In", LabelExpression::Operator::kIn},
     {"NotIn", LabelExpression::Operator::kNotIn},
     {"Exists", LabelExpression::Operator::kExists},
     {"DoesNotExist", LabelExpression::Operator::kDoesNotExist}}};

bool flag_at(const Node& node, std::string_view key) { return node.text_at(key) == "true"; }

std::map<std::string, std::string> map_at(const Node& node, std::string_view key) {
    std::map<std::string, std::string> result;
    if (const Node* map = node.find(key)) {
        for (std::size_t i = 0; i < map->keys.size(); ++i) {
            result[map->keys[i].name] = map->items[i].scalar;
        }
    }
    return result;
}

Selector build_selector(const Node& node) {
    Selector selector;
    selector.services = strings_at(node, "services");
    selector.names = strings_at(node, "names");
    selector.name_regex = string_at(node, "name_regex");
    selector.labels = map_at(node, "labels");
    if (const Node* list = node.find("label_expressions")) {
        for (const auto& item : list->items) {
            selector.label_expressions.push_back({.key = item.text_at("key"),
                                                  .op = enum_at(item, "operator", kOperators),
                                                  .values = strings_at(item, "values")});
        }
    }
    selector.compose_project = string_at(node, "compose_project");
    selector.compose_service = string_at(node, "compose_service");
    selector.image = string_at(node, "image");
    selector.networks = strings_at(node, "networks");
    return selector;
}

Target build_target(const Node& node) {
    Target target;
    target.service = string_at(node, "service");
    if (const Node* selector = node.find("selector")) target.selector = build_selector(*selector);
    if (const Node* exclude = node.find("exclude")) target.exclude = build_selector(*exclude);
    target.weight = number_at(node, "weight").value_or(1);
    target.mode = enum_at(node, "mode", kModes);
    target.value = integer_at(node, "value");
    return target;
}

FaultSpec build_fault(const std::string& type, const Node& parameters,
                      const CustomActions& custom) {
    if (const auto own = custom.find(type); own != custom.end()) {
        return CustomFault{type, own->second, canonical_json(parameters)};
    }
    if (const auto action = find_value(names_of(NetworkAction{}), type)) {
        return build_network(*action, parameters);
    }
    if (const auto action = find_value(names_of(StressAction{}), type)) {
        return build_stress(*action, parameters);
    }
    const auto grace = duration_at(parameters, "grace").value_or(Duration{});
    const int signal = parse_signal(parameters.text_at("signal")).value_or(9);
    if (type == "container_pause") return ContainerPause{};
    if (type == "container_stop") return ContainerStop{grace};
    if (type == "container_restart") return ContainerRestart{grace};
    if (type == "container_remove") return ContainerRemove{grace, flag_at(parameters, "volumes")};
    if (type == "process_kill") return ProcessKill{parameters.text_at("match"), signal};
    return ContainerKill{.signal = signal, .method = enum_at(parameters, "method", kMethods)};
}

Action build_action(const Node& node, const CustomActions& custom) {
    const Node& parameters = *node.find("parameters");
    Action action;
    action.fault = build_fault(node.text_at("type"), parameters, custom);
    action.targets = strings_at(node, "targets");
    action.start_after = duration_at(node, "start_after").value_or(Duration{0});
    if (!is_instant(action.fault)) action.duration = duration_at(parameters, "duration");
    if (parameters.find("intensity") != nullptr) {
        action.intensity = enum_at(parameters, "intensity", kIntensities);
    }
    if (const Node* repeat = parameters.find("repeat")) {
        action.repeat = Repeat{.count = integer_at(*repeat, "count").value_or(1),
                               .interval = duration_at(*repeat, "interval").value_or(Duration{})};
    }
    return action;
}

Scenario build_scenario(const Node& node, const CustomActions& custom) {
    Scenario scenario;
    scenario.name = node.text_at("name");
    scenario.probability = number_at(node, "probability").value_or(1);
    scenario.order = enum_at(node, "order", kOrders);
    for (const auto& action : node.find("actions")->items) {
        scenario.actions.push_back(build_action(action, custom));
    }
    return scenario;
}

constexpr Names<StopCondition::Type, 3> kConditions{
    {{"health_fraction", StopCondition::Type::kHealthFraction},
     {"cascade_depth", StopCondition::Type::kCascadeDepth},
     {"probe", StopCondition::Type::kProbe}}};

StopCondition build_condition(const Node& node) {
    const bool depth = node.text_at("type") == "cascade_depth";
    return {.name = node.text_at("name"),
            .type = enum_at(node, "type", kConditions),
            .probe = node.text_at("probe"),
            .comparator = string_at(node, "comparator").value_or(depth ? ">" : "<"),
            .threshold = number_at(node, "threshold").value_or(0),
            .duration = duration_at(node, "for").value_or(Duration{0})};
}

Safety build_safety(const Node& node) {
    Safety safety;
    safety.safe_mode = flag_at(node, "safe_mode");
    safety.max_affected_services = integer_at(node, "max_affected_services");
    safety.max_affected_percent = number_at(node, "max_affected_percent");
    safety.at_least_one = flag_at(node, "at_least_one");
    if (const Node* conditions = node.find("stop_conditions")) {
        for (const auto& item : conditions->items) {
            safety.stop_conditions.push_back(build_condition(item));
        }
    }
    return safety;
}

void build_schedule(const Node& node, Spec& spec) {
    const auto text = node.text_at("schedule");
    spec.schedule = find_value(kSchedules, text).value_or(Schedule::kRecurring);
    if (spec.schedule == Schedule::kRecurring) {
        if (auto recurrence = schedule::parse(text)) spec.recurrence = *recurrence;
    }
    spec.time_zone = node.text_at("time_zone");
    spec.starting_deadline = duration_at(node, "starting_deadline");
    spec.concurrency_policy = enum_at(node, "concurrency_policy", kPolicies);
    spec.history_limit = static_cast<std::size_t>(integer_at(node, "history_limit").value_or(10));
}

Spec build_spec(const Node& node, const CustomActions& custom) {
    Spec spec;
    spec.duration = duration_at(node, "duration").value_or(Duration{});
    build_schedule(node, spec);
    spec.seed = integer_at(node, "seed");
    spec.recovery_timeout = duration_at(node, "recovery_timeout").value_or(spec.recovery_timeout);
    spec.dry_run = flag_at(node, "dry_run");
    spec.on_no_targets = enum_at(node, "on_no_targets", kOnNoTargets);
    spec.targeting = enum_at(node, "targeting", kTargeting);
    spec.on_conflict = enum_at(node, "on_conflict", kOnConflict);
    spec.safety = build_safety(*node.find("safety"));
    for (const auto& target : node.find("targets")->items) {
        spec.targets.push_back(build_target(target));
    }
    if (const Node* probes = node.find("probes")) {
        for (const auto& probe : probes->items) spec.probes.push_back(build_probe(probe));
    }
    for (const auto& scenario : node.find("scenarios")->items) {
        spec.scenarios.push_back(build_scenario(scenario, custom));
    }
    return spec;
}

}  // namespace

Experiment build_experiment(const Node& root, const CustomActions& custom) {
    const Node& metadata = *root.find("metadata");
    Experiment experiment;
    experiment.metadata.name = metadata.text_at("name");
    experiment.metadata.description = metadata.text_at("description");
    experiment.metadata.labels = map_at(metadata, "labels");
    experiment.metadata.annotations = map_at(metadata, "annotations");
    experiment.spec = build_spec(*root.find("spec"), custom);
    return experiment;
}

}  // namespace chaos::manifest
