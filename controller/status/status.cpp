#include "controller/status/status.h"

#include <algorithm>
#include <array>
#include <set>

#include "controller/api/experiment.h"
#include "controller/manifest/emit.h"
#include "controller/manifest/yaml.h"

namespace chaos::status {
namespace {

using manifest::integer_node;
using manifest::list_node;
using manifest::map_node;
using manifest::Node;
using manifest::number_node;
using manifest::text_node;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

// Seconds to the millisecond: finer is noise of the event stream.
Node seconds_node(Duration d) {
    return number_node(seconds(std::chrono::round<std::chrono::milliseconds>(d)));
}

void add_text(Node& map, const char* key, std::string_view text) {
    if (!text.empty()) map.add(key, text_node(text));
}
void add_time(Node& map, const char* key, const std::optional<TimePoint>& time) {
    if (time) map.add(key, text_node(format_time(*time)));
}

Node source_node(const Source& source) {
    Node node = map_node();
    node.add("path", text_node(source.path));
    node.add("document", integer_node(source.document));
    add_text(node, "digest", source.digest);
    return node;
}

TimePoint since(const std::vector<Transition>& former, const Condition& condition, TimePoint now) {
    const auto it = std::ranges::find_if(former, [&](const Transition& t) {
        return t.type == condition.type && t.status == condition.status;
    });
    return it == former.end() ? now : it->since;
}

Node conditions_node(const Facts& facts, const std::vector<Transition>& former, TimePoint now) {
    Node list = list_node();
    for (const auto& condition : conditions(facts)) {
        Node node = map_node();
        node.add("type", text_node(condition.type));
        node.add("status", text_node(condition.status));
        add_text(node, "reason", condition.reason);
        add_text(node, "message", condition.message);
        node.add("last_transition_time", text_node(format_time(since(former, condition, now))));
        node.add("observed_generation", integer_node(facts.generation));
        list.items.push_back(std::move(node));
    }
    return list;
}

Node parameters_node(const FaultSpec& spec) {
    if (const auto* network = std::get_if<NetworkFault>(&spec)) {
        return network_parameters(*network);
    }
    if (const auto* stress = std::get_if<StressFault>(&spec)) return stress_parameters(*stress);
    if (const auto* custom = std::get_if<CustomFault>(&spec)) {
        auto documents = manifest::load_yaml(custom->parameters);  // JSON is YAML
        if (documents.size() == 1 && documents[0].ok()) return std::move(documents[0].root);
    }
    Node node = map_node();
    if (const auto* kill = std::get_if<ContainerKill>(&spec)) {
        node.add("signal", text_node(signal_name(kill->signal)));
        node.add("method", text_node(kill->method == KillMethod::kApi ? "api" : "process"));
    } else if (const auto* stop = std::get_if<ContainerStop>(&spec)) {
        node.add("grace", text_node(format_duration(stop->grace)));
    } else if (const auto* restart = std::get_if<ContainerRestart>(&spec)) {
        node.add("grace", text_node(format_duration(restart->grace)));
    } else if (const auto* remove = std::get_if<ContainerRemove>(&spec)) {
        node.add("grace", text_node(format_duration(remove->grace)));
        node.add("volumes", manifest::flag_node(remove->volumes));
    } else if (const auto* process = std::get_if<ProcessKill>(&spec)) {
        node.add("match", text_node(process->match));
        node.add("signal", text_node(signal_name(process->signal)));
    }
    return node;
}

Node fault_node(const FaultRecord& fault) {
    Node node = map_node();
    node.add("id", text_node(fault.id));
    node.add("type", text_node(type_name(fault.spec)));
    node.add("parameters", parameters_node(fault.spec));
    node.add("phase", text_node(to_string(fault.state)));
    add_time(node, "injected_at", fault.injected_at);
    add_time(node, "recovered_at", fault.recovered_at);
    if (!fault.evidence.empty()) {
        Node evidence = map_node();
        for (const auto& [key, value] : fault.evidence) evidence.add(key, text_node(value));
        node.add("evidence", std::move(evidence));
    }
    return node;
}

std::string_view target_phase(const Run& run, const RunTarget& target) {
    for (const auto& fault : run.faults) {
        if (fault.target != target.name || !fault.holds()) continue;
        const bool stopped = std::holds_alternative<ContainerStop>(fault.spec);
        const bool there = target.state == "running" || target.state == "paused";
        // Somebody else has ended the life that the fault was in; the next one gets it again.
        return there || stopped || target.state.empty() ? "Injected" : "Down";
    }
    if (target.vanished) return target.recovered && target.state != "running" ? "Gone" : "Down";
    if (target.recovered && target.rescues > 0) return "RecoveredWithHelp";
    if (target.timed_out) return target.recovered ? "RecoveredLate" : "NotRecovered";
    if (!target.disturbed_at) return "Selected";
    return target.recovered ? "Recovered" : "Recovering";
}

Node target_node(const Run& run, const RunTarget& target) {
    Node node = map_node();
    node.add("service", text_node(target.service));
    node.add("container_id", text_node(target.container_id.substr(0, 12)));
    node.add("name", text_node(target.name));
    if (target.incarnation) {
        Node life = map_node();
        life.add("started_at", text_node(target.incarnation->started_at));
        life.add("pid", integer_node(target.incarnation->pid));
        node.add("incarnation", std::move(life));
    }
    add_text(node, "state", target.state);
    node.add("phase", text_node(target_phase(run, target)));
    Node faults = list_node();
    int attempts = 0;
    std::string last_error;
    for (const auto& fault : run.faults) {
        if (fault.target != target.name) continue;
        faults.items.push_back(fault_node(fault));
        attempts += fault.attempts;
        if (!fault.last_error.empty()) last_error = fault.last_error;
    }
    node.add("faults", std::move(faults));
    if (target.recovered && target.disturbed_at && target.time_to_running) {
        const auto total = target.time_to_healthy ? target.time_to_healthy : target.time_to_running;
        node.add("recovery_time", seconds_node(*total));
    }
    if (target.time_to_running) node.add("time_to_running", seconds_node(*target.time_to_running));
    if (target.time_to_healthy) node.add("time_to_healthy", seconds_node(*target.time_to_healthy));
    if (target.restart_delay) node.add("restart_delay", seconds_node(*target.restart_delay));
    if (attempts > 0) node.add("attempts", integer_node(attempts));
    add_text(node, "last_error", last_error);
    return node;
}

Node targets_node(const Run& run) {
    Node list = list_node();
    for (const auto& target : run.targets) list.items.push_back(target_node(run, target));
    return list;
}

Node probes_node(const std::vector<ProbeState>& probes) {
    constexpr std::array<const char*, 3> kPhases{"before", "during", "after"};
    Node list = list_node();
    for (const auto& probe : probes) {
        for (std::size_t i = 0; i < kPhases.size(); ++i) {
            const auto& result = probe.phases[i];
            if (!result.last) continue;
            Node node = map_node();
            node.add("name", text_node(probe.name));
            node.add("phase", text_node(kPhases[i]));
            node.add("successes", integer_node(result.successes));
            node.add("failures", integer_node(result.failures));
            list.items.push_back(std::move(node));
        }
    }
    return list;
}

Node measured_node(const Run& run) {
    std::set<std::pair<std::string, std::string>> services;
    for (const auto& target : run.targets) {
        const bool hit = std::ranges::any_of(run.faults, [&](const auto& fault) {
            return fault.target == target.name && fault.injected_at;
        });
        if (hit) services.emplace(target.project, target.service);
    }
    std::set<std::string> suffered;
    int depth = 0;
    Node dependents = list_node();
    for (const auto& one : run.suffered) {
        suffered.insert(one.service);
        depth = std::max(depth, one.depth);
        Node entry = map_node();
        entry.add("service", text_node(one.service));
        entry.add("depth", integer_node(one.depth));
        entry.add("since", text_node(format_time(one.since)));
        add_time(entry, "until", one.until);
        dependents.items.push_back(std::move(entry));
    }
    Node node = map_node();
    node.add("cascade_depth", integer_node(depth));
    node.add("services_affected",
             integer_node(static_cast<std::int64_t>(services.size() + suffered.size())));
    if (!run.suffered.empty()) node.add("dependents", std::move(dependents));
    if (!run.probes.empty()) node.add("probes", probes_node(run.probes));
    return node;
}

Node events_node(const Run& run) {
    Node list = list_node();
    for (const auto& event : run.events) {
        Node node = map_node();
        node.add("time", text_node(format_time(event.time)));
        node.add("type", text_node(event.warning ? "Warning" : "Normal"));
        node.add("reason", text_node(event.reason));
        add_text(node, "message", event.message);
        list.items.push_back(std::move(node));
    }
    return list;
}

Node history_node(const std::vector<RunSummary>& history) {
    Node list = list_node();
    for (const auto& run : history) {
        Node node = map_node();
        add_text(node, "run_id", run.run_id);
        node.add("seed", integer_node(static_cast<std::int64_t>(run.seed)));
        node.add("phase", text_node(to_string(run.phase)));
        add_text(node, "verdict", to_string(run.verdict));
        add_time(node, "start_time", run.start_time);
        add_time(node, "end_time", run.end_time);
        add_text(node, "reason", run.reason);
        list.items.push_back(std::move(node));
    }
    return list;
}

void add_run(Node& status, const Run& run) {
    add_text(status, "run_id", run.run_id);
    status.add("seed", integer_node(static_cast<std::int64_t>(run.seed)));
    status.add("phase", text_node(to_string(run.phase)));
    if (run.paused_since) status.add("paused", manifest::flag_node(true));
    add_text(status, "verdict", to_string(run.verdict));
    add_text(status, "reason", run.reason);
    add_text(status, "message", run.message);
}

// The phase of an experiment that has no run.
void add_phase(Node& status, const Facts& facts) {
    if (facts.rejected) {
        status.add("phase", text_node("Rejected"));
        status.add("reason", text_node("Invalid"));
        status.add("message", text_node(facts.problems.empty() ? "" : facts.problems.front()));
    } else if (facts.waiting_for_run_id) {
        status.add("phase", text_node("Waiting"));
        status.add("reason", text_node("Manual"));
    } else if (facts.next_run) {
        status.add("phase", text_node("Waiting"));
        status.add("reason", text_node("Scheduled"));
    } else {
        status.add("phase", text_node("Pending"));
        if (!facts.engine_synced) status.add("reason", text_node("EngineUnavailable"));
    }
}

}  // namespace

std::vector<Transition> transitions_of(const Node& document) {
    std::vector<Transition> transitions;
    const Node* list = document.at("status", "conditions");
    if (list == nullptr) return transitions;
    for (const auto& item : list->items) {
        if (const auto time = parse_time(item.text_at("last_transition_time"))) {
            transitions.push_back({item.text_at("type"), item.text_at("status"), *time});
        }
    }
    return transitions;
}

Node build(const Facts& facts, const std::vector<Transition>& former, TimePoint now) {
    Node metadata = map_node();
    metadata.add("name", text_node(facts.name));
    Node status = map_node();
    status.add("source", source_node(facts.source));
    status.add("generation", integer_node(facts.generation));
    if (facts.run != nullptr) {
        status.add("observed_generation", integer_node(facts.run->generation));
        add_run(status, *facts.run);
    } else {
        add_phase(status, facts);
    }
    add_time(status, "next_run", facts.next_run);
    status.add("conditions", conditions_node(facts, former, now));
    if (facts.run != nullptr) {
        add_time(status, "start_time", facts.run->start_time);
        add_time(status, "deadline", facts.run->deadline);
        add_time(status, "end_time", facts.run->end_time);
        status.add("targets", targets_node(*facts.run));
        status.add("measured", measured_node(*facts.run));
        status.add("events", events_node(*facts.run));
    }
    if (!facts.history.empty()) status.add("history", history_node(facts.history));
    Node root = map_node();
    root.add("apiVersion", text_node(kApiVersion));
    root.add("kind", text_node(kStatusKind));
    root.add("metadata", std::move(metadata));
    root.add("status", std::move(status));
    return root;
}

}  // namespace chaos::status
