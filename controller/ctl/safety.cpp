// Verbs about the whole controller: emergency stop, its state, the chaos monkey.
#include <cmath>
#include <ostream>

#include "controller/ctl/remote.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/manifest/yaml.h"

namespace chaos::ctl {
namespace {

using json::Value;

std::string text_of(Value value) { return value.string().value_or(""); }

// JSON is YAML: the tree for -o json and yaml.
manifest::Node tree_of(const std::string& text) {
    auto documents = manifest::load_yaml(text);
    return documents.size() == 1 ? std::move(documents[0].root) : manifest::Node{};
}

void print_config(const Context& context, Value config) {
    const auto path = text_of(config["path"]);
    context.out << "Configuration:  " << (path.empty() ? "none, all defaults" : path);
    const auto read_at = text_of(config["read_at"]);
    if (!path.empty()) context.out << (read_at.empty() ? ", never valid" : ", read " + read_at);
    context.out << '\n';
    for (const auto& problem : config["problems"].items()) {
        context.out << "  invalid, not in force: " << text_of(problem) << '\n';
    }
}

void print_gates(const Context& context, const char* title, Value gates) {
    const auto closed = gates.items();
    context.out << title << (closed.empty() ? "open" : "closed") << '\n';
    for (const auto& gate : closed) {
        context.out << "  " << text_of(gate["gate"]) << ": " << text_of(gate["why"]) << '\n';
    }
}

std::string names_of(Value list) {
    std::string names;
    for (const auto& name : list.items()) names += (names.empty() ? "" : ", ") + text_of(name);
    return names.empty() ? "none" : names;
}

void print_figures(const Context& context, Value figures) {
    const auto percent = [](Value value) {
        const auto number = value.number();
        return number ? std::to_string(std::lround(*number)) + " %" : "unknown";
    };
    context.out << "Host:           CPU " << percent(figures["cpu_percent"]) << ", memory "
                << percent(figures["memory_percent"]) << '\n';
    if (const auto total = figures["services"].integer()) {
        context.out << "Services:       " << figures["healthy_services"].integer().value_or(0)
                    << " of " << *total << " healthy, those under an experiment left out\n";
    }
}

void print_schedules(const Context& context, Value monkey) {
    Table table{{"EXPERIMENT", "NEXT", "LAST", "PHASE", "VERDICT", "TARGETS", "WHY"}};
    for (const auto& item : monkey["schedules"].items()) {
        const auto or_dash = [](std::string text) { return text.empty() ? "-" : text; };
        table.add({text_of(item["experiment"]), or_dash(text_of(item["next_run"])),
                   or_dash(text_of(item["created_at"])), or_dash(text_of(item["phase"])),
                   or_dash(text_of(item["verdict"])), names_of(item["targets"]),
                   or_dash(text_of(item["message"]))});
    }
    table.print(context.out, context.colour);
}

}  // namespace

int emergency_stop(const Context& context) { return ask_and_tell(context, "/v1/emergency-stop"); }

int resume_all(const Context& context) { return ask_and_tell(context, "/v1/resume"); }

int stop(const Context& context) { return ask_and_tell(context, "/v1/stop"); }

int recover_all(const Context& context) { return ask_and_tell(context, "/v1/recover"); }

int controller_status(const Context& context) {
    const auto answer = ask(context, "GET", "/v1/status");
    if (!answer) return failed(context, answer.error().context);
    const auto root = answer->document.root();
    if (print_tree(context, tree_of(answer->body))) return kOk;
    const auto halted = text_of(root["halted"]);
    if (!halted.empty()) {
        context.out << "STOPPED:        " << halted << "; chaosctl resume lets it go on\n";
    }
    if (root["draining"].boolean().value_or(false)) {
        context.out << "STOPPING:       running experiments end, no other begins\n";
    }
    print_config(context, root["config"]);
    context.out << "Running:        " << names_of(root["running"]) << '\n';
    print_figures(context, root["figures"]);
    print_gates(context, "Gates:          ", root["closed"]);
    print_gates(context, "  not safe:     ", root["closed_unless_safe"]);
    context.out << "Chaos monkey:   " << text_of(root["monkey"]["mode"]) << '\n';
    return kOk;
}

int monkey_status(const Context& context) {
    const auto answer = ask(context, "GET", "/v1/status");
    if (!answer) return failed(context, answer.error().context);
    const auto monkey = answer->document.root()["monkey"];
    const auto tree = tree_of(answer->body);
    if (const auto* node = tree.find("monkey"); node != nullptr && print_tree(context, *node)) {
        return kOk;
    }
    context.out << "Mode: " << text_of(monkey["mode"]) << '\n';
    if (!monkey["schedules"].items().empty()) print_schedules(context, monkey);
    return kOk;
}

int monkey_start(const Context& context, const std::string& mode) {
    return ask_and_tell(context, "/v1/monkey/start?mode=" + mode);
}

int monkey_stop(const Context& context) { return ask_and_tell(context, "/v1/monkey/stop"); }

}  // namespace chaos::ctl
