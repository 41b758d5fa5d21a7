// Which service needs which, and how they are: text, Graphviz' dot, json.
#include <ostream>

#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/safety/graph.h"
#include "controller/safety/health.h"
#include "controller/safety/policy.h"

namespace chaos::ctl {
namespace {

using safety::Graph;

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

const char* health_of(const std::map<std::string, bool>& health, const std::string& key) {
    const auto it = health.find(key);
    if (it == health.end()) return "absent";
    return it->second ? "healthy" : "ill";
}

void print_dot(const Context& context, const Graph& graph,
               const std::map<std::string, bool>& health) {
    context.out << "digraph services {\n    rankdir=LR;\n    node [shape=box, style=filled];\n";
    for (const auto& [key, node] : graph.nodes()) {
        const std::string_view state = health_of(health, key);
        const auto* colour = state == "healthy" ? "palegreen" : state == "ill" ? "salmon" : "white";
        context.out << "    " << quoted(key) << " [fillcolor=" << colour << "];\n";
    }
    for (const auto& [key, node] : graph.nodes()) {
        for (const auto& need : node.needs) {
            context.out << "    " << quoted(key) << " -> " << quoted(need) << ";\n";
        }
    }
    context.out << "}\n";
}

std::string joined(const std::set<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "-" : text;
}

void print_text(const Context& context, const Graph& graph,
                const std::map<std::string, bool>& health) {
    Table table{{"SERVICE", "HEALTH", "RUNNING", "NEEDS", "NEEDED BY"}};
    for (const auto& [key, node] : graph.nodes()) {
        table.add({key, health_of(health, key),
                   std::to_string(node.running) + "/" + std::to_string(node.containers.size()),
                   joined(node.needs), joined(node.needed_by)});
    }
    table.print(context.out, context.colour);
}

manifest::Node tree_of(const Graph& graph, const std::map<std::string, bool>& health) {
    auto list = manifest::list_node();
    for (const auto& [key, node] : graph.nodes()) {
        auto entry = manifest::map_node();
        entry.add("service", manifest::text_node(key));
        entry.add("health", manifest::text_node(health_of(health, key)));
        entry.add("running", manifest::integer_node(static_cast<std::int64_t>(node.running)));
        entry.add("containers",
                  manifest::integer_node(static_cast<std::int64_t>(node.containers.size())));
        auto needs = manifest::list_node();
        for (const auto& need : node.needs) needs.items.push_back(manifest::text_node(need));
        entry.add("needs", std::move(needs));
        list.items.push_back(std::move(entry));
    }
    auto root = manifest::map_node();
    root.add("services", std::move(list));
    return root;
}

}  // namespace

int graph(const Context& context, bool dot) {
    const auto containers = list_containers(context.docker_host);
    if (!containers) return failed(context, containers.error().context);
    const Graph services{*containers, context.config.dependencies};
    const auto health = safety::service_health(*containers);
    if (dot) {
        print_dot(context, services, health);
    } else if (!print_tree(context, tree_of(services, health))) {
        print_text(context, services, health);
    }
    return kOk;
}

}  // namespace chaos::ctl
