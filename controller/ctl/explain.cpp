#include <algorithm>
#include <ostream>

#include "controller/api/experiment.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/diagnostic.h"
#include "controller/manifest/emit.h"
#include "controller/manifest/schema.h"

namespace chaos::ctl {
namespace {

using manifest::ActionType;
using manifest::crd;
using manifest::Schema;

std::string type_of(const Schema& schema) {
    if (schema.int_or_string) return "integer or string";
    if (schema.type == "array" && schema.items) return "[]" + type_of(*schema.items);
    if (schema.type == "object" && schema.additional) {
        return "map[string]" + type_of(*schema.additional);
    }
    return schema.type;
}

// "(required, one of a, b, default c)" or "".
std::string notes_of(const Schema& schema, bool required) {
    std::string notes;
    const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
    if (required) add("required");
    if (!schema.enumeration.empty()) add("one of " + manifest::list_of(schema.enumeration));
    if (!schema.format.empty()) add(schema.format);
    if (schema.default_value && schema.default_value->is_scalar()) {
        add("default " + schema.default_value->scalar);
    }
    return notes;
}

void print_fields(const Context& context, const Schema& schema) {
    const Schema& below = schema.items ? *schema.items : schema;
    const Schema& inner = below.additional ? *below.additional : below;
    if (inner.properties.empty()) return;
    context.out << "FIELDS:\n";
    for (const auto& [name, child] : inner.properties) {
        context.out << "  " << name << "  <" << type_of(*child) << '>';
        const auto notes = notes_of(*child, inner.required.contains(name));
        if (!notes.empty()) context.out << "  " << notes;
        context.out << '\n' << wrapped(child->description, 4) << '\n';
    }
}

// `of_config`: a field of chaos-config.yaml.
int explain_field(const Context& context, const std::string& field, bool of_config) {
    const Schema* schema = of_config ? &manifest::config_schema() : &crd().root;
    std::string path = field;
    bool required = false;
    while (!path.empty()) {
        const auto dot = path.find('.');
        auto step = path.substr(0, dot);
        step.erase(std::min(step.find('['), step.size()));
        path = dot == std::string::npos ? "" : path.substr(dot + 1);
        const Schema& inner = schema->items ? *schema->items : *schema;
        const auto* next = inner.property(step);
        if (next == nullptr) next = inner.additional.get();
        if (next == nullptr) {
            context.err << "chaosctl: no field \"" << step << "\" in " << field
                        << manifest::did_you_mean(step, inner.property_names()) << '\n';
            return kFailed;
        }
        required = inner.required.contains(step);
        schema = next;
    }
    if (of_config) {
        context.out << "FILE:     chaos-config.yaml\n\n";
    } else {
        context.out << "KIND:     " << kKind << "\nVERSION:  " << kApiVersion << "\n\n";
    }
    if (!field.empty()) {
        context.out << "FIELD:    " << field << "  <" << type_of(*schema) << ">\n";
        const auto notes = notes_of(*schema, required);
        if (!notes.empty()) context.out << "          " << notes << '\n';
        context.out << '\n';
    }
    context.out << "DESCRIPTION:\n" << wrapped(schema->description, 4) << '\n';
    print_fields(context, *schema);
    return kOk;
}

std::string figure(const ActionType& action, const std::string& parameter, const char* level) {
    const auto* figures = action.intensity.find(parameter);
    return figures == nullptr ? std::string{} : figures->text_at(level);
}

int explain_intensity(const Context& context) {
    context.out << "What `intensity` sets where the action leaves it out:\n\n";
    Table table{{"ACTION", "PARAMETER", "LOW", "MEDIUM", "HIGH", "EXTREME"}};
    for (const auto& action : crd().actions) {
        for (const auto& key : action.intensity.keys) {
            table.add({action.name, key.name, figure(action, key.name, "low"),
                       figure(action, key.name, "medium"), figure(action, key.name, "high"),
                       figure(action, key.name, "extreme")});
        }
    }
    table.print(context.out);
    return kOk;
}

int explain_action(const Context& context, const ActionType& action) {
    context.out << "ACTION:   " << action.name << " (" << action.group << ")\n";
    context.out << "\nDESCRIPTION:\n" << wrapped(action.summary, 4) << '\n';
    context.out << "PARAMETERS:\n";
    auto names = action.parameters;
    if (!action.instant) names.emplace_back("duration");
    names.emplace_back("intensity");
    for (const auto& name : names) {
        const auto* schema = crd().parameters().property(name);
        if (schema == nullptr) continue;
        const bool required = std::ranges::find(action.required, name) != action.required.end();
        context.out << "  " << name << "  <" << type_of(*schema) << '>';
        const auto notes = notes_of(*schema, required);
        if (!notes.empty()) context.out << "  " << notes;
        context.out << '\n' << wrapped(schema->description, 4) << '\n';
    }
    return kOk;
}

}  // namespace

int explain(const Context& context, const std::string& field) {
    if (field == "intensity") return explain_intensity(context);
    if (const auto* action = crd().action(field)) return explain_action(context, *action);
    constexpr std::string_view kConfig = "config";
    if (field == kConfig) return explain_field(context, "", true);
    if (field.starts_with("config.")) {
        return explain_field(context, field.substr(kConfig.size() + 1), true);
    }
    return explain_field(context, field, false);
}

}  // namespace chaos::ctl
