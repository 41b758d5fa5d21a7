#include <ostream>

#include "controller/api/experiment.h"
#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

void line(const Context& context, const std::string& label, const std::string& value) {
    if (value.empty()) return;
    context.out << label << (label.empty() ? ' ' : ':')
                << std::string(label.size() < 14 ? 14 - label.size() : 1, ' ') << value << '\n';
}

void describe_spec(const Context& context, const Item& item) {
    if (!item.document || !item.document->experiment) return;
    const auto& experiment = *item.document->experiment;
    line(context, "Description", experiment.metadata.description);
    line(context, "Duration", format_duration(experiment.spec.duration));
    context.out << "Scenarios:\n";
    for (const auto& scenario : experiment.spec.scenarios) {
        context.out << "  " << scenario.name << ":";
        for (const auto& action : scenario.actions) context.out << ' ' << type_name(action.fault);
        context.out << '\n';
    }
}

void describe_target(const Context& context, const Node& target) {
    context.out << "  " << target.text_at("name") << " (service " << target.text_at("service")
                << ", container " << target.text_at("container_id")
                << "): " << target.text_at("phase");
    if (const auto recovery = target.text_at("recovery_time"); !recovery.empty()) {
        context.out << ", recovered in " << recovery << " s";
    }
    context.out << '\n';
    const Node* faults = target.find("faults");
    if (faults == nullptr) return;
    for (const auto& fault : faults->items) {
        context.out << "    " << fault.text_at("type") << ": " << fault.text_at("phase");
        const Node* evidence = fault.find("evidence");
        for (std::size_t i = 0; evidence != nullptr && i < evidence->keys.size(); ++i) {
            context.out << (i == 0 ? " (" : ", ") << evidence->keys[i].name << '='
                        << evidence->items[i].scalar;
        }
        context.out << (evidence != nullptr ? ")\n" : "\n");
    }
}

void describe_conditions(const Context& context, const Node& conditions) {
    Table table{{"  TYPE", "STATUS", "REASON", "MESSAGE"}};
    for (const auto& c : conditions.items) {
        table.add({"  " + c.text_at("type"), c.text_at("status"), c.text_at("reason"),
                   c.text_at("message")});
    }
    context.out << "Conditions:\n";
    table.print(context.out);
}

void describe_events(const Context& context, const Node& events) {
    Table table{{"  TIME", "TYPE", "REASON", "MESSAGE"}};
    for (const auto& e : events.items) {
        table.add({"  " + e.text_at("time"), e.text_at("type"), e.text_at("reason"),
                   e.text_at("message")});
    }
    context.out << "Events:\n";
    table.print(context.out);
}

void describe_status(const Context& context, const Item& item) {
    line(context, "Phase", item.field("phase"));
    if (item.field("paused") == "true") line(context, "Paused", "true");
    line(context, "Verdict", item.field("verdict"));
    line(context, "Reason", item.field("reason"));
    line(context, "Message", item.field("message"));
    line(context, "Run id", item.field("run_id"));
    const bool valid = item.document && item.document->experiment;
    const auto wanted = valid ? item.document->experiment->run_id() : std::string{};
    if (!wanted.empty() && wanted != item.field("run_id")) {
        line(context, "", "the manifest has run-id " + wanted + ", which has run or is yet to run");
    }
    line(context, "Seed", item.field("seed"));
    line(context, "Generation", item.field("generation"));
    line(context, "Started", item.field("start_time"));
    line(context, "Deadline", item.field("deadline"));
    line(context, "Ended", item.field("end_time"));
    const Node* targets = item.status.at("status", "targets");
    if (targets != nullptr && !targets->items.empty()) {
        context.out << "Targets:\n";
        for (const auto& target : targets->items) describe_target(context, target);
    }
    if (const Node* c = item.status.at("status", "conditions")) describe_conditions(context, *c);
    if (const Node* e = item.status.at("status", "events")) describe_events(context, *e);
}

}  // namespace

int describe(const Context& context, const std::string& name) {
    if (context.output == Output::kJson || context.output == Output::kYaml) {
        return get(context, name);
    }
    const auto items = load_catalog(context);
    if (!items) return failed(context, items.error().context);
    bool found = false;
    for (const auto& item : *items) {
        if (item.name != name) continue;
        found = true;
        line(context, "Name", item.name);
        line(context, "Manifest", item.path.empty() ? "(deleted)" : item.path);
        if (item.document) {
            for (const auto& problem : item.document->problems) {
                line(context, "Problem", manifest::render(item.path, problem));
            }
        }
        describe_spec(context, item);
        if (item.duplicate) {
            line(context, "Status", "none; another file has this name");
        } else if (item.status.is_null()) {
            line(context, "Status", "none; no controller has looked at it yet");
        } else {
            describe_status(context, item);
        }
    }
    if (found) return kOk;
    return not_found(context, name);
}

}  // namespace chaos::ctl
