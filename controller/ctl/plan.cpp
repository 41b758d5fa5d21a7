#include <algorithm>
#include <limits>
#include <ostream>

#include "controller/app/host.h"
#include "controller/ctl/catalog.h"
#include "controller/ctl/network_preview.h"
#include "controller/ctl/population.h"
#include "controller/ctl/remote.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/run/random.h"
#include "controller/run/selection.h"
#include "controller/run/timeline.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

struct Planned {
    std::string name;
    std::uint64_t seed = 0;
    Spec spec;
    Duration asked{};  // spec.duration before it was cut
    run::Selection selection;
    run::Timeline timeline;
    std::vector<NetworkPreview> network;
    std::vector<std::string> gates;  // closed ones: "CpuUsage: …"; of a running controller
    bool gates_known = false;
    std::string already;  // "Completed": the phase in which this very run has ended
};

// The very functions that the controller calls, on the same values.
Planned make_plan(const manifest::Document& document, std::optional<std::int64_t> seed,
                  const Config& config, const std::vector<Container>& population) {
    const auto& experiment = *document.experiment;
    Planned planned;
    planned.name = experiment.metadata.name;
    planned.spec = experiment.spec;
    planned.asked = experiment.spec.duration;
    planned.spec.duration = std::min(planned.asked, config.global.experiment_timeout);
    if (seed) planned.spec.seed = seed;
    planned.seed = planned.spec.seed ? static_cast<std::uint64_t>(*planned.spec.seed)
                                     : run::derive_seed(planned.name, document.digest,
                                                        experiment.run_id(), app::host_identity());
    const safety::Policy policy{
        config.safety, safety::Graph{population, config.dependencies}, {}, {}, {}};
    planned.selection = run::select(planned.spec, planned.seed, population, {}, policy);
    planned.timeline = run::timeline(planned.spec, planned.seed, planned.selection.picks);
    return planned;
}

// A one-shot does not run again by itself; a plan of what will not happen must say so.
std::string already_run(const std::vector<Item>& items, const manifest::Document& document) {
    for (const auto& item : items) {
        const auto* source = item.status.at("status", "source");
        const bool same = item.name == document.name && source != nullptr &&
                          source->text_at("digest") == document.digest &&
                          item.field("run_id") == document.experiment->run_id();
        if (same && !item.field("end_time").empty()) return item.field("phase");
    }
    return {};
}

std::string offset(Duration d) { return "+" + format_duration(d); }

std::string end_of(const run::Interval& interval) {
    return is_instant(interval.fault) ? "at once" : offset(interval.end);
}

void print_selection(const Context& context, const run::Selection& s) {
    context.out << "Matched:     " << s.matched << (s.matched == 1 ? " container" : " containers")
                << " of " << s.matched_services
                << (s.matched_services == 1 ? " service\n" : " services\n");
    const bool unlimited = s.service_cap == std::numeric_limits<std::size_t>::max();
    context.out << "Safety:      "
                << (unlimited ? "no limit on services"
                              : "at most " + std::to_string(s.service_cap) +
                                    (s.service_cap == 1 ? " service" : " services") + " may be hit")
                << '\n';
    if (!s.spared.empty()) {
        for (const auto& spared : s.spared) {
            context.out << "Spared:      " << spared.name << ": " << spared.why << '\n';
        }
    }
}

void print_network(const Context& context, const NetworkPreview& preview) {
    context.out << "\nIn the network namespace of " << preview.container << " from "
                << offset(preview.begin) << " to " << offset(preview.end);
    if (!preview.remark.empty()) context.out << " (" << preview.remark << ')';
    context.out << ":\n" << preview.tree;
}

// What the controller's gates say now; a run that waits for one may still come.
void ask_gates(const Context& context, Planned& planned) {
    const auto answer = ask(context, "GET", "/v1/status");
    if (!answer || answer->status != 200) return;
    planned.gates_known = true;
    const auto* key = planned.spec.safety.safe_mode ? "closed" : "closed_unless_safe";
    for (const auto& gate : answer->document.root()[key].items()) {
        planned.gates.push_back(gate["gate"].string().value_or("") + ": " +
                                gate["why"].string().value_or(""));
    }
}

void print_gates(const Context& context, const Planned& planned) {
    if (!planned.gates_known) {
        context.out << "Gates:       unknown, no controller answers\n";
    } else if (planned.gates.empty()) {
        context.out << "Gates:       open\n";
    }
    for (const auto& gate : planned.gates) context.out << "Gate closed: " << gate << '\n';
}

void print_text(const Context& context, const Planned& planned, const std::string& engine_error) {
    context.out << "Experiment:  " << planned.name << '\n';
    context.out << "Seed:        " << planned.seed
                << (planned.spec.seed ? "" : " (derived; the run draws the same)") << '\n';
    context.out << "Duration:    " << format_duration(planned.spec.duration) << ", recovery within "
                << format_duration(planned.spec.recovery_timeout) << '\n';
    if (planned.asked > planned.spec.duration) {
        context.out << "             (cut from " << format_duration(planned.asked)
                    << ": global.experiment_timeout)\n";
    }
    if (!planned.already.empty()) {
        context.out << "Note:        has run already (" << planned.already
                    << "); it runs again with a new run-id, or by chaosctl run\n";
    }
    print_gates(context, planned);
    if (planned.spec.dry_run) context.out << "Dry run:     nothing will be injected\n";
    for (const auto& draw : planned.timeline.scenarios) {
        context.out << "Scenario:    " << draw.name << (draw.drawn ? "" : " (not drawn)") << '\n';
    }
    if (!engine_error.empty()) {
        context.out << "Targets:     unknown: " << engine_error << '\n';
        return;
    }
    print_selection(context, planned.selection);
    if (planned.selection.picks.empty()) {
        context.out << "Targets:     none\n";
        return;
    }
    if (planned.timeline.intervals.empty()) {
        context.out << "Faults:      none is due on the targets chosen\n";
        return;
    }
    Table table{{"BEGIN", "END", "ACTION", "SERVICE", "CONTAINER"}};
    for (const auto& interval : planned.timeline.intervals) {
        table.add({offset(interval.begin), end_of(interval), std::string{type_name(interval.fault)},
                   interval.service, interval.target});
    }
    context.out << '\n';
    table.print(context.out);
    for (const auto& preview : planned.network) print_network(context, preview);
}

Node fault_tree(const run::Interval& interval) {
    Node node = manifest::map_node();
    node.add("id", manifest::text_node(interval.id));
    node.add("type", manifest::text_node(type_name(interval.fault)));
    node.add("target", manifest::text_node(interval.target));
    node.add("service", manifest::text_node(interval.service));
    node.add("begin", manifest::text_node(format_duration(interval.begin)));
    node.add("end", manifest::text_node(format_duration(interval.end)));
    node.add("instant", manifest::flag_node(is_instant(interval.fault)));
    return node;
}

Node tree_of(const Planned& planned, const std::string& engine_error) {
    Node node = manifest::map_node();
    node.add("name", manifest::text_node(planned.name));
    node.add("seed", manifest::integer_node(static_cast<std::int64_t>(planned.seed)));
    node.add("duration", manifest::text_node(format_duration(planned.spec.duration)));
    node.add("dry_run", manifest::flag_node(planned.spec.dry_run));
    if (!planned.already.empty()) {
        node.add("already_run", manifest::text_node(planned.already));
    }
    Node gates = manifest::list_node();
    for (const auto& gate : planned.gates) gates.items.push_back(manifest::text_node(gate));
    if (planned.gates_known) node.add("closed_gates", std::move(gates));
    if (!engine_error.empty()) node.add("engine_error", manifest::text_node(engine_error));
    node.add("matched",
             manifest::integer_node(static_cast<std::int64_t>(planned.selection.matched)));
    Node scenarios = manifest::list_node();
    for (const auto& draw : planned.timeline.scenarios) {
        Node scenario = manifest::map_node();
        scenario.add("name", manifest::text_node(draw.name));
        scenario.add("drawn", manifest::flag_node(draw.drawn));
        scenarios.items.push_back(std::move(scenario));
    }
    node.add("scenarios", std::move(scenarios));
    Node targets = manifest::list_node();
    for (const auto& pick : planned.selection.picks) {
        Node target = manifest::map_node();
        target.add("name", manifest::text_node(pick.name));
        target.add("service", manifest::text_node(pick.service));
        targets.items.push_back(std::move(target));
    }
    node.add("targets", std::move(targets));
    Node faults = manifest::list_node();
    for (const auto& interval : planned.timeline.intervals) {
        faults.items.push_back(fault_tree(interval));
    }
    node.add("faults", std::move(faults));
    if (planned.network.empty()) return node;
    Node network = manifest::list_node();
    for (const auto& preview : planned.network) {
        Node entry = manifest::map_node();
        entry.add("container", manifest::text_node(preview.container));
        entry.add("begin", manifest::text_node(format_duration(preview.begin)));
        entry.add("end", manifest::text_node(format_duration(preview.end)));
        entry.add("tree", manifest::text_node(preview.tree));
        if (!preview.remark.empty()) entry.add("remark", manifest::text_node(preview.remark));
        network.items.push_back(std::move(entry));
    }
    node.add("network", std::move(network));
    return node;
}

}  // namespace

int plan(const Context& context, const std::string& path, std::optional<std::int64_t> seed) {
    const auto documents = read_valid_documents(context, {path});
    if (!documents) return kFailed;
    const auto population = list_containers(context.docker_host);
    const auto engine_error = population ? std::string{} : population.error().context;
    // Without the directory there is only less to tell.
    const auto items = load_catalog(context).value_or(std::vector<Item>{});
    std::vector<Planned> plans;
    Node trees = manifest::list_node();
    bool somebody = true;
    for (const auto& document : *documents) {
        auto planned = make_plan(document, seed, context.config,
                                 population.value_or(std::vector<Container>{}));
        planned.already = already_run(items, document);
        ask_gates(context, planned);
        if (population) {
            planned.network =
                preview_network(context.docker_host, planned.timeline.intervals, *population);
        }
        trees.items.push_back(tree_of(planned, engine_error));
        const bool may_be_nobody = planned.spec.on_no_targets != OnNoTargets::kFail;
        somebody = somebody && (may_be_nobody || !planned.timeline.intervals.empty());
        plans.push_back(std::move(planned));
    }
    if (!print_tree(context, trees)) {
        for (const auto& planned : plans) {
            if (&planned != &plans.front()) context.out << '\n';
            print_text(context, planned, engine_error);
        }
    }
    return engine_error.empty() && somebody ? kOk : kFailed;
}

}  // namespace chaos::ctl
