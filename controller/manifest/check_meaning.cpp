// The checks that no schema can express.
#include <algorithm>
#include <csignal>
#include <set>

#include "controller/manifest/build_experiment.h"
#include "controller/manifest/build_network.h"
#include "controller/manifest/build_probe.h"
#include "controller/manifest/build_stress.h"

namespace chaos::manifest {
namespace {

constexpr std::string_view kPrefix = "chaos.sutazai.com/";

class Checker {
public:
    Checker(const Spec& spec, const Node& root, std::vector<Diagnostic>& problems)
        : spec_(spec),
          metadata_(*root.find("metadata")),
          node_(*root.find("spec")),
          problems_(problems) {}

    void run() {
        check_annotations();
        if (spec_.duration <= Duration{0}) {
            report(*node_.find("duration"), "spec.duration", "expected more than 0");
        }
        for (std::size_t i = 0; i < spec_.targets.size(); ++i) check_target(i);
        check_conditions();
        if (const Node* probes = node_.find("probes")) {
            check_probes(spec_.probes, *probes, problems_);
        }
        check_scenarios();
    }

private:
    void report(const Node& node, std::string path, std::string message) {
        problems_.push_back({node.mark, std::move(path), std::move(message)});
    }

    // Under our own prefix a slip would be an experiment that does not pause.
    void check_annotations() {
        const Node* annotations = metadata_.find("annotations");
        if (annotations == nullptr) return;
        const std::vector<std::string> known{std::string{kRunIdAnnotation},
                                             std::string{kPausedAnnotation}};
        for (std::size_t i = 0; i < annotations->keys.size(); ++i) {
            const auto& key = annotations->keys[i];
            const Node& value = annotations->items[i];
            if (!key.name.starts_with(kPrefix)) continue;
            const auto path = "metadata.annotations[" + key.name + "]";
            if (std::ranges::find(known, key.name) == known.end()) {
                problems_.push_back(
                    {key.mark, path,
                     "unknown annotation of this project" + did_you_mean(key.name, known)});
            } else if (key.name == kPausedAnnotation && value.scalar != "true" &&
                       value.scalar != "false") {
                report(value, path,
                       "found " + value.describe() + ", expected \"true\" or \"false\"");
            }
        }
    }

    void check_probe_name(const std::string& name, const Node& item, const std::string& path) {
        std::vector<std::string> known;
        for (const auto& probe : spec_.probes) known.push_back(probe.name);
        if (std::ranges::find(known, name) != known.end()) return;
        const Node* given = item.find("probe");
        report(given == nullptr ? item : *given, path + ".probe",
               (given == nullptr ? "missing; type probe needs it"
                                 : "found \"" + name +
                                       "\", expected the name of an entry of "
                                       "spec.probes" +
                                       did_you_mean(name, known)));
    }

    void check_conditions() {
        const Node* conditions = node_.at("safety", "stop_conditions");
        if (conditions == nullptr) return;
        for (std::size_t i = 0; i < conditions->items.size(); ++i) {
            const auto& condition = spec_.safety.stop_conditions[i];
            const Node& item = conditions->items[i];
            const auto path = "spec.safety.stop_conditions[" + std::to_string(i) + "]";
            if (condition.type == StopCondition::Type::kProbe) {
                check_probe_name(condition.probe, item, path);
                const auto probe = std::ranges::find(spec_.probes, condition.probe, &Probe::name);
                if (probe != spec_.probes.end() && !probe->in(ProbePhase::kDuring)) {
                    report(*item.find("probe"), path + ".probe",
                           "found \"" + condition.probe +
                               "\", which is not measured in phase during, expected one that is");
                }
            } else if (item.find("threshold") == nullptr) {
                report(item, path + ".threshold",
                       "missing; type " + item.text_at("type") + " needs it");
            }
        }
    }

    void check_expressions(const Selector& selector, const Node& node, const std::string& path) {
        using Operator = LabelExpression::Operator;
        for (std::size_t i = 0; i < selector.label_expressions.size(); ++i) {
            const auto& expression = selector.label_expressions[i];
            const bool needs = expression.op == Operator::kIn || expression.op == Operator::kNotIn;
            if (needs != expression.values.empty()) continue;
            const Node& item = node.find("label_expressions")->items[i];
            report(item, path + ".label_expressions[" + std::to_string(i) + "].values",
                   "operator " + item.text_at("operator") +
                       (needs ? " needs at least one value" : " takes no values"));
        }
    }

    void check_target(std::size_t i) {
        const auto& target = spec_.targets[i];
        const Node& node = node_.find("targets")->items[i];
        const auto path = "spec.targets[" + std::to_string(i) + "]";
        if (!target.service && !target.selector) {
            report(node, path, "found neither service nor selector, expected at least one");
        }
        if (target.selector && *target.selector == Selector{}) {
            report(*node.find("selector"), path + ".selector",
                   "found no conditions, expected at least one; an empty selector would mean "
                   "every container");
        }
        if (target.selector) {
            check_expressions(*target.selector, *node.find("selector"), path + ".selector");
        }
        if (target.exclude) {
            check_expressions(*target.exclude, *node.find("exclude"), path + ".exclude");
        }
        const bool needs_value = target.mode != Mode::kOne && target.mode != Mode::kAll;
        const bool percent =
            target.mode == Mode::kFixedPercent || target.mode == Mode::kRandomMaxPercent;
        if (needs_value != target.value.has_value()) {
            report(node, path + ".value",
                   "mode " + node.text_at("mode") +
                       (needs_value ? " needs a value" : " takes no value"));
        } else if (percent && *target.value > 100) {
            report(*node.find("value"), path + ".value",
                   "found " + std::to_string(*target.value) + ", expected at most 100 percent");
        }
    }

    void check_scenarios() {
        std::set<std::string> names;
        std::string open_end;  // the action after which nothing can start
        for (std::size_t i = 0; i < spec_.scenarios.size(); ++i) {
            const auto& scenario = spec_.scenarios[i];
            const Node& node = node_.find("scenarios")->items[i];
            const auto path = "spec.scenarios[" + std::to_string(i) + "]";
            if (!names.insert(scenario.name).second) {
                report(*node.find("name"), path + ".name",
                       "duplicate scenario name \"" + scenario.name + "\"");
            }
            check_actions(scenario, node, path, open_end);
            if (scenario.order == Order::kParallel) check_overlaps(scenario, node, path);
        }
    }

    void check_actions(const Scenario& scenario, const Node& node, const std::string& path,
                       std::string& open_end) {
        std::string opened;
        for (std::size_t i = 0; i < scenario.actions.size(); ++i) {
            const auto& action = scenario.actions[i];
            const Node& action_node = node.find("actions")->items[i];
            const auto where = path + ".actions[" + std::to_string(i) + "]";
            const bool waits = scenario.order == Order::kSequential && !opened.empty();
            const auto& blocker = waits ? opened : open_end;
            if (!blocker.empty()) {
                report(action_node, where,
                       "would never start: " + blocker +
                           " has no duration and lasts until the end of the experiment");
            }
            check_action_meaning(action, action_node, where);
            if (!is_instant(action.fault) && !action.duration && opened.empty()) opened = where;
        }
        // A scenario that is not drawn keeps nobody waiting.
        if (open_end.empty() && scenario.probability >= 1) open_end = opened;
    }

    // Two ways to keep a container from running cannot both be in force.
    void check_overlaps(const Scenario& scenario, const Node& node, const std::string& path) {
        for (std::size_t i = 0; i < scenario.actions.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                const auto& a = scenario.actions[j];
                const auto& b = scenario.actions[i];
                const bool differ = a.fault.index() != b.fault.index();
                const bool last = keeps_down(a.fault) && keeps_down(b.fault);
                if (!differ || !last || !share_targets(a, b) || !share_time(a, b)) continue;
                report(node.find("actions")->items[i], path + ".actions[" + std::to_string(i) + "]",
                       std::string{type_name(b.fault)} + " overlaps " +
                           std::string{type_name(a.fault)} + " of actions[" + std::to_string(j) +
                           "] on the same targets, expected one after the other");
            }
        }
    }

    static bool keeps_down(const FaultSpec& fault) {
        return std::holds_alternative<ContainerPause>(fault) ||
               std::holds_alternative<ContainerStop>(fault);
    }

    static bool share_targets(const Action& a, const Action& b) {
        if (a.targets.empty() || b.targets.empty()) return true;
        return std::ranges::find_first_of(a.targets, b.targets) != a.targets.end();
    }

    static bool share_time(const Action& a, const Action& b) {
        const bool a_before_b = a.duration && a.start_after + *a.duration <= b.start_after;
        const bool b_before_a = b.duration && b.start_after + *b.duration <= a.start_after;
        return !a_before_b && !b_before_a;
    }

    void check_action_meaning(const Action& action, const Node& node, const std::string& path) {
        const Node& parameters = *node.find("parameters");
        for (const auto& name : action.targets) check_subset(name, node, path);
        if (action.duration && *action.duration <= Duration{0}) {
            report(*parameters.find("duration"), path + ".parameters.duration",
                   "expected more than 0");
        }
        if (spec_.safety.safe_mode && action.intensity > Intensity::kMedium) {
            report(*parameters.find("intensity"), path + ".parameters.intensity",
                   "found " + parameters.text_at("intensity") +
                       ", expected low or medium in safe mode");
        }
        check_signal(action.fault, parameters, path);
        if (const auto* network = std::get_if<NetworkFault>(&action.fault)) {
            check_network(*network, parameters, path + ".parameters", problems_);
        }
        if (const auto* stress = std::get_if<StressFault>(&action.fault)) {
            check_stress(*stress, parameters, path + ".parameters", problems_);
        }
        if (action.repeat) check_repeat(action, *parameters.find("repeat"), path);
    }

    // What these freeze nobody would thaw: there is no end of the fault at which to undo it.
    void check_signal(const FaultSpec& fault, const Node& parameters, const std::string& path) {
        const auto* kill = std::get_if<ContainerKill>(&fault);
        const auto* process = std::get_if<ProcessKill>(&fault);
        const int signal = kill != nullptr      ? kill->signal
                           : process != nullptr ? process->signal
                                                : 0;
        if (signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU)
            return;
        report(*parameters.find("signal"), path + ".parameters.signal",
               "found " + signal_name(signal) +
                   ", which freezes processes and is not undone; container_pause freezes the "
                   "container and thaws it at its end");
    }

    void check_subset(const std::string& name, const Node& node, const std::string& path) {
        std::vector<std::string> known;
        for (const auto& target : spec_.targets) {
            if (target.service) known.push_back(*target.service);
        }
        if (std::ranges::find(known, name) == known.end()) {
            report(*node.find("targets"), path + ".targets",
                   "found \"" + name + "\", expected the service of an entry of spec.targets" +
                       did_you_mean(name, known));
        }
    }

    void check_repeat(const Action& action, const Node& node, const std::string& path) {
        const auto& repeat = *action.repeat;
        if (repeat.interval <= Duration{0}) {
            report(*node.find("interval"), path + ".parameters.repeat.interval",
                   "expected more than 0");
        } else if (repeat.count > 1 && repeat.interval > spec_.duration / (repeat.count - 1)) {
            report(node, path + ".parameters.repeat",
                   std::to_string(repeat.count) + " times every " +
                       format_duration(repeat.interval) + " does not fit into spec.duration " +
                       format_duration(spec_.duration));
        }
    }

    const Spec& spec_;
    const Node& metadata_;
    const Node& node_;
    std::vector<Diagnostic>& problems_;
};

}  // namespace

void check_meaning(const Experiment& experiment, const Node& root,
                   std::vector<Diagnostic>& problems) {
    Checker{experiment.spec, root, problems}.run();
}

}  // namespace chaos::manifest
