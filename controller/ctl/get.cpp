#include <map>
#include <ostream>
#include <set>
#include <thread>

#include "controller/api/experiment.h"
#include "controller/config/monkey.h"
#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

// The action types of an experiment, once each, in order.
std::string types_of(const Item& item) {
    if (!item.document || !item.document->experiment) return "-";
    std::string text;
    std::set<std::string_view> seen;
    for (const auto& scenario : item.document->experiment->spec.scenarios) {
        for (const auto& action : scenario.actions) {
            const auto type = type_name(action.fault);
            if (seen.insert(type).second) text += (text.empty() ? "" : ",") + std::string{type};
        }
    }
    return text;
}

std::string targets_of(const Item& item) {
    const Node* targets = item.status.at("status", "targets");
    if (targets == nullptr || targets->items.empty()) return "-";
    std::string text;
    for (const auto& target : targets->items) {
        text += (text.empty() ? "" : ",") + target.text_at("name");
    }
    return text;
}

std::string since(const std::string& time) {
    const auto then = parse_time(time);
    if (!then) return "-";
    const auto age = std::chrono::system_clock::now() - *then;
    if (age < Duration{0}) return "0s";
    if (age >= std::chrono::hours{48}) return std::to_string(age / std::chrono::hours{24}) + "d";
    return format_duration(std::chrono::floor<std::chrono::seconds>(age));
}

// What is left until the deadline, while there is something to end.
std::string left(const Item& item) {
    const auto phase = item.field("phase");
    if (phase != "Running" && phase != "Injecting") return "-";
    const auto deadline = parse_time(item.field("deadline"));
    if (!deadline) return "-";
    const auto rest = *deadline - std::chrono::system_clock::now();
    return rest <= Duration{0} ? "0s"
                               : format_duration(std::chrono::ceil<std::chrono::seconds>(rest));
}

// How long until it runs again by its schedule.
std::string until_next(const Item& item) {
    const auto next = parse_time(item.field("next_run"));
    if (!next) return "-";
    const auto rest = *next - std::chrono::system_clock::now();
    if (rest <= Duration{0}) return "0s";
    if (rest >= std::chrono::hours{48}) return std::to_string(rest / std::chrono::hours{24}) + "d";
    return format_duration(std::chrono::ceil<std::chrono::seconds>(rest));
}

// "Running,InvalidEdit": what holds, and what else there is to know, as kubectl's node status.
std::string phase_of(const Item& item) {
    const bool invalid = item.document && !item.document->problems.empty();
    auto phase = item.field("paused") == "true" ? "Paused" : item.field("phase");
    if (item.duplicate) return "Rejected,Duplicate";
    if (phase.empty()) return invalid ? "Invalid" : "-";  // no controller has looked at it yet
    // The chaos monkey's have no manifest that somebody could have deleted.
    const bool gone = item.path.empty() && !item.name.starts_with(config::kMonkeyPrefix);
    if (gone) return phase == "Aborted" ? phase : phase + ",Deleted";
    return invalid && phase != "Rejected" ? phase + ",InvalidEdit" : phase;
}

std::vector<std::string> header_of(bool wide) {
    std::vector<std::string> header{"NAME",    "TYPE", "PHASE", "TARGETS",
                                    "VERDICT", "AGE",  "LEFT",  "NEXT"};
    if (wide) header.insert(header.end(), {"SEED", "REASON", "PATH"});
    return header;
}

std::vector<std::string> row_of(const Item& item, bool wide) {
    std::vector<std::string> row{item.name,
                                 types_of(item),
                                 phase_of(item),
                                 targets_of(item),
                                 or_dash(item.field("verdict")),
                                 since(item.field("start_time")),
                                 left(item),
                                 until_next(item)};
    if (wide) {
        row.insert(row.end(), {or_dash(item.field("seed")), or_dash(item.field("reason")),
                               item.path.empty() ? "(deleted)" : item.path});
    }
    return row;
}

void print_table(const Context& context, const std::vector<Item>& items) {
    const bool wide = context.output == Output::kWide;
    Table table{header_of(wide)};
    for (const auto& item : items) table.add(row_of(item, wide));
    table.print(context.out, context.colour);
}

// As `kubectl get -w`: the table, then each line anew that has changed in more than its age.
int watch_table(const Context& context, const std::string& name) {
    constexpr Duration kInterval = std::chrono::milliseconds{200};
    std::map<std::string, std::string> shown;
    bool header = true;
    while (context.out) {
        const auto items = load_catalog(context);
        if (!items) return failed(context, items.error().context);
        const bool wide = context.output == Output::kWide;
        Table table{header ? header_of(wide) : std::vector<std::string>{}};
        bool changed = header;
        for (const auto& item : *items) {
            if (!name.empty() && item.name != name) continue;
            const auto key = phase_of(item) + item.field("verdict") + targets_of(item) + item.path +
                             item.field("paused");
            if (shown[item.name] == key) continue;
            shown[item.name] = key;
            table.add(row_of(item, wide));
            changed = true;
        }
        if (changed) table.print(context.out, context.colour);
        context.out.flush();
        header = false;
        std::this_thread::sleep_for(kInterval);
    }
    return kOk;
}

// Manifest and status as one object, as `kubectl get -o yaml` shows them.
Node merged(const Item& item) {
    Node node = manifest::map_node();
    node.add("apiVersion", manifest::text_node(kApiVersion));
    node.add("kind", manifest::text_node(kKind));
    Node root;
    if (item.document) {
        auto documents = manifest::load_yaml(item.document->text);
        if (!documents.empty() && documents[0].ok()) root = std::move(documents[0].root);
    }
    Node fallback = manifest::map_node();
    fallback.add("name", manifest::text_node(item.name));
    const Node* metadata = root.find("metadata");
    node.add("metadata", metadata == nullptr ? fallback : *metadata);
    if (const Node* spec = root.find("spec")) node.add("spec", *spec);
    if (const Node* status = item.status.find("status")) node.add("status", *status);
    return node;
}

void print_objects(const Context& context, const std::vector<Item>& items, bool single) {
    Node node;
    if (single) {
        node = merged(items.front());
    } else {
        node.add("apiVersion", manifest::text_node("v1"));
        node.add("kind", manifest::text_node("List"));
        Node list = manifest::list_node();
        for (const auto& item : items) list.items.push_back(merged(item));
        node.add("items", std::move(list));
    }
    print_tree(context, node);
}

}  // namespace

int get(const Context& context, const std::string& name, bool watch) {
    if (watch && context.output != Output::kTable && context.output != Output::kWide) {
        return failed(context, "-w prints lines, expected -o table or wide with it", kUsage);
    }
    if (watch) return watch_table(context, name);
    auto items = load_catalog(context);
    if (!items) return failed(context, items.error().context);
    if (!name.empty()) std::erase_if(*items, [&](const Item& item) { return item.name != name; });
    if (items->empty() && !name.empty()) return not_found(context, name);
    switch (context.output) {
        case Output::kName:
            for (const auto& item : *items) context.out << "chaosexperiment/" << item.name << '\n';
            break;
        case Output::kJson:
        case Output::kYaml: print_objects(context, *items, !name.empty()); break;
        case Output::kTable:
        case Output::kWide:
            if (items->empty()) {
                context.err << "No experiments found in " << context.manifests << '\n';
            } else {
                print_table(context, *items);
            }
            break;
    }
    return kOk;
}

}  // namespace chaos::ctl
