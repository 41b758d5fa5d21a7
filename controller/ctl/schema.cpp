// The files generated from the CRD: the editors' JSON Schema and the reference page.
#include <algorithm>
#include <ostream>

#include "controller/api/experiment.h"
#include "controller/ctl/verbs.h"
#include "controller/json/json.h"
#include "controller/manifest/schema.h"

namespace chaos::ctl {
namespace {

using json::Writer;
using manifest::ActionType;
using manifest::crd;
using manifest::Node;
using manifest::Schema;

void write_node(Writer& out, const Node& node) {
    if (node.is_map()) {
        out.begin_object().end_object();
    } else if (manifest::is_boolean(node)) {
        out.value(node.scalar == "true");
    } else if (manifest::is_number(node)) {
        out.raw_number(node.scalar);
    } else {
        out.value(std::string_view{node.scalar});
    }
}

void write_schema(Writer& out, const Schema& schema);

void write_bounds(Writer& out, const Schema& schema) {
    if (schema.minimum) out.key("minimum").value(*schema.minimum);
    if (schema.maximum) out.key("maximum").value(*schema.maximum);
    const auto size = [&](const char* key, const std::optional<std::size_t>& value) {
        if (value) out.key(key).value(static_cast<std::uint64_t>(*value));
    };
    size("minLength", schema.min_length);
    size("maxLength", schema.max_length);
    size("minItems", schema.min_items);
    size("maxItems", schema.max_items);
}

void write_object(Writer& out, const Schema& schema) {
    out.key("properties").begin_object();
    for (const auto& [name, child] : schema.properties) {
        out.key(name);
        write_schema(out, *child);
    }
    out.end_object();
    if (!schema.required.empty()) {
        out.key("required").begin_array();
        for (const auto& name : schema.required) out.value(std::string_view{name});
        out.end_array();
    }
    if (schema.additional) {
        out.key("additionalProperties");
        write_schema(out, *schema.additional);
    } else {
        out.key("additionalProperties").value(schema.preserve_unknown);
    }
}

void write_names(Writer& out, const std::vector<std::string>& names) {
    out.begin_array();
    for (const auto& name : names) out.value(std::string_view{name});
    out.end_array();
}

// if type is X then parameters has only X's properties: what the union in the CRD cannot say.
void write_action_rules(Writer& out) {
    out.key("allOf").begin_array();
    for (const auto& action : crd().actions) {
        out.begin_object();
        out.key("if").begin_object().key("properties").begin_object();
        out.key("type").begin_object().key("const").value(std::string_view{action.name});
        out.end_object().end_object().end_object();
        out.key("then").begin_object().key("properties").begin_object();
        out.key("parameters").begin_object().key("propertyNames").begin_object();
        auto names = action.parameters;
        names.insert(names.end(), {"duration", "intensity"});
        out.key("enum");
        write_names(out, names);
        out.end_object();
        if (!action.required.empty()) {
            out.key("required");
            write_names(out, action.required);
        }
        out.end_object().end_object().end_object().end_object();
    }
    out.end_array();
}

void write_schema(Writer& out, const Schema& schema) {
    out.begin_object();
    if (!schema.description.empty())
        out.key("description").value(std::string_view{schema.description});
    if (schema.int_or_string) {
        out.key("type").begin_array().value("integer").value("string").end_array();
    } else {
        out.key("type").value(std::string_view{schema.type});
    }
    if (!schema.enumeration.empty()) {
        out.key("enum");
        write_names(out, schema.enumeration);
    }
    if (!schema.pattern.empty()) out.key("pattern").value(std::string_view{schema.pattern});
    if (schema.default_value) {
        out.key("default");
        write_node(out, *schema.default_value);
    }
    write_bounds(out, schema);
    if (schema.type == "object") write_object(out, schema);
    if (schema.items) {
        out.key("items");
        write_schema(out, *schema.items);
    }
    // An action: the only object with both.
    if (schema.property("type") != nullptr && schema.property("start_after") != nullptr) {
        write_action_rules(out);
    }
    out.end_object();
}

void print_json_schema(const Context& context, const Schema& root, std::string_view title) {
    Writer out{Writer::Style::kPretty};
    out.begin_object();
    out.key("$schema").value("http://json-schema.org/draft-07/schema#");
    out.key("title").value(title);
    out.key("description").value(std::string_view{root.description});
    out.key("type").value("object");
    write_object(out, root);
    out.end_object();
    context.out << out.text() << '\n';
}

std::string escaped(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
        text.insert(at, "\\");
    }
    return text;
}

void print_rows(const Context& context, const Schema& schema, const std::string& path) {
    for (const auto& [name, child] : schema.properties) {
        auto where = path.empty() ? name : path + "." + name;
        const Schema& inner = child->items ? *child->items : *child;
        if (child->items) where += "[]";
        std::string type = child->int_or_string ? "integer or string" : child->type;
        if (!child->format.empty()) type += ", " + child->format;
        std::string fallback;
        if (schema.required.contains(name)) fallback = "required";
        if (child->default_value && child->default_value->is_scalar()) {
            fallback = "`" + child->default_value->scalar + "`";
        }
        std::string description = child->description;
        if (!child->enumeration.empty()) {
            description += " One of:";
            for (const auto& value : child->enumeration) description += " `" + value + "`";
        }
        context.out << "| `" << where << "` | " << type << " | " << fallback << " | "
                    << escaped(description) << " |\n";
        print_rows(context, inner, where);
        if (child->additional) print_rows(context, *child->additional, where + ".NAME");
    }
}

void print_action(const Context& context, const ActionType& action) {
    context.out << "| `" << action.name << "` | ";
    for (const auto& name : action.parameters) context.out << '`' << name << "` ";
    context.out << "| " << action.summary << " |\n";
}

void print_intensities(const Context& context) {
    context.out << "\n## Intensity\n\n`intensity` sets what an action leaves out:\n\n"
                   "| action | parameter | low | medium | high | extreme |\n"
                   "| --- | --- | --- | --- | --- | --- |\n";
    for (const auto& action : crd().actions) {
        for (std::size_t i = 0; i < action.intensity.keys.size(); ++i) {
            const auto& figures = action.intensity.items[i];
            context.out << "| `" << action.name << "` | `" << action.intensity.keys[i].name
                        << "` |";
            for (const auto* level : {"low", "medium", "high", "extreme"}) {
                context.out << ' ' << figures.text_at(level) << " |";
            }
            context.out << '\n';
        }
    }
}

void print_markdown(const Context& context) {
    context.out << "# ChaosExperiment reference\n\n"
                   "Generated from `crd-schemas/` by `make generate`; do not "
                   "edit. `chaosctl explain FIELD` prints the same on a terminal.\n\n"
                << crd().root.description << "\n\n## Action types\n\n"
                << "Every action takes `duration` (where it lasts) and `intensity` besides.\n\n"
                   "| type | parameters | what it does |\n| --- | --- | --- |\n";
    for (const auto& action : crd().actions) print_action(context, action);
    print_intensities(context);
    context.out
        << "\n## Fields\n\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n";
    print_rows(context, crd().root, "");
    context.out << "\n## Configuration\n\n"
                << manifest::config_schema().description
                << " `chaosctl explain config.FIELD` prints the same on a terminal.\n\n"
                   "| field | type | default | meaning |\n| --- | --- | --- | --- |\n";
    print_rows(context, manifest::config_schema(), "");
}

}  // namespace

int schema(const Context& context, const std::string& of, bool markdown) {
    if (markdown) {
        print_markdown(context);
    } else if (of == "config") {
        print_json_schema(context, manifest::config_schema(), "chaos-config.yaml");
    } else {
        print_json_schema(context, crd().root, kKind);
    }
    return kOk;
}

}  // namespace chaos::ctl
