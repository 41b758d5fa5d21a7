#include "controller/manifest/validate.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "controller/api/time.h"

namespace chaos::manifest {
namespace {

std::string child_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string{key} : path + "." + std::string{key};
}

std::string index_path(const std::string& path, std::size_t i) {
    return path + "[" + std::to_string(i) + "]";
}

std::string plain_number(double value) {
    if (value == std::floor(value)) return std::to_string(static_cast<long long>(value));
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

std::string range_of(const Schema& schema) {
    std::string text = schema.type == "integer" ? "a whole number" : "a number";
    if (schema.minimum && schema.maximum) {
        return text + " from " + plain_number(*schema.minimum) + " to " +
               plain_number(*schema.maximum);
    }
    if (schema.minimum) return text + " of at least " + plain_number(*schema.minimum);
    if (schema.maximum) return text + " of at most " + plain_number(*schema.maximum);
    return text;
}

class Validator {
public:
    explicit Validator(std::vector<Diagnostic>& problems) : problems_(problems) {}

    void visit(const Node& node, const Schema& schema, const std::string& path) {
        if (schema.type == "object") {
            visit_object(node, schema, path);
        } else if (schema.type == "array") {
            visit_array(node, schema, path);
        } else {
            visit_scalar(node, schema, path);
        }
    }

private:
    void report(const Node& node, const std::string& path, std::string_view expected) {
        problems_.push_back(found_expected(node, path, expected));
    }

    void visit_object(const Node& node, const Schema& schema, const std::string& path) {
        if (!node.is_map()) {
            report(node, path, "a map of fields");
            return;
        }
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            const auto& key = node.keys[i];
            const auto* child = schema.property(key.name);
            if (child == nullptr) child = schema.additional.get();
            const auto below = child_path(path, key.name);
            if (child != nullptr) {
                // Parameters depend on the action's type, which only check_action knows.
                if (key.name != "parameters" || !path.ends_with(']')) {
                    visit(node.items[i], *child, below);
                }
            } else if (!schema.preserve_unknown) {
                problems_.push_back(
                    {key.mark, below,
                     "unknown field" + did_you_mean(key.name, schema.property_names())});
            }
        }
        for (const auto& name : schema.required) {
            if (node.find(name) == nullptr) {
                problems_.push_back({node.mark, child_path(path, name),
                                     "missing; expected " + expectation(schema, name)});
            }
        }
    }

    static std::string expectation(const Schema& schema, const std::string& name) {
        const auto* child = schema.property(name);
        if (child == nullptr) return "a value";
        if (!child->enumeration.empty()) return list_of(child->enumeration);
        if (const auto hint = format_hint(child->format); !hint.empty()) return std::string{hint};
        if (child->type == "object") return "a map of fields";
        if (child->type == "array") return "a list";
        return "a " + (child->type.empty() ? "value" : child->type);
    }

    void visit_array(const Node& node, const Schema& schema, const std::string& path) {
        if (!node.is_sequence()) {
            report(node, path, "a list");
            return;
        }
        if (schema.min_items && node.items.size() < *schema.min_items) {
            problems_.push_back({node.mark, path,
                                 "found " + std::to_string(node.items.size()) +
                                     " entries, expected at least " +
                                     std::to_string(*schema.min_items)});
        }
        if (schema.max_items && node.items.size() > *schema.max_items) {
            problems_.push_back({node.mark, path,
                                 "found " + std::to_string(node.items.size()) +
                                     " entries, expected at most " +
                                     std::to_string(*schema.max_items)});
        }
        if (!schema.items) return;
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            visit(node.items[i], *schema.items, index_path(path, i));
        }
    }

    void visit_scalar(const Node& node, const Schema& schema, const std::string& path) {
        if (!node.is_scalar()) {
            report(node, path, scalar_expectation(schema));
            return;
        }
        if (schema.type == "boolean") {
            if (!is_boolean(node)) report(node, path, "true or false");
        } else if (schema.type == "integer" || schema.type == "number") {
            visit_number(node, schema, path);
        } else {
            visit_string(node, schema, path);
        }
    }

    static std::string scalar_expectation(const Schema& schema) {
        if (!schema.enumeration.empty()) return list_of(schema.enumeration);
        if (const auto hint = format_hint(schema.format); !hint.empty()) return std::string{hint};
        if (schema.type == "boolean") return "true or false";
        if (schema.type == "integer" || schema.type == "number") return range_of(schema);
        return "text";
    }

    void visit_number(const Node& node, const Schema& schema, const std::string& path) {
        const bool ok = schema.type == "integer" ? is_integer(node) : is_number(node);
        if (!ok) {
            report(node, path, range_of(schema));
            return;
        }
        const double value = std::stod(node.scalar);
        if ((schema.minimum && value < *schema.minimum) ||
            (schema.maximum && value > *schema.maximum)) {
            report(node, path, range_of(schema));
        }
    }

    void visit_string(const Node& node, const Schema& schema, const std::string& path) {
        const auto& text = node.scalar;
        // 123 where a name is meant is a slip, as in Kubernetes; a duration 0 and the like may be
        // plain, since they have a format that says what is right.
        if (!schema.int_or_string && schema.format.empty() &&
            (is_number(node) || is_boolean(node))) {
            report(node, path, "text; put it in quotes if it is meant");
            return;
        }
        if (!schema.enumeration.empty()) {
            if (std::ranges::find(schema.enumeration, text) == schema.enumeration.end()) {
                problems_.push_back(found_expected(node, path, list_of(schema.enumeration)));
                problems_.back().message += did_you_mean(text, schema.enumeration);
            }
            return;
        }
        if (!has_format(schema.format, node)) report(node, path, format_hint(schema.format));
        if (schema.min_length && text.size() < *schema.min_length) {
            report(node, path, "text that is not empty");
        }
        if (schema.max_length && text.size() > *schema.max_length) {
            report(node, path, "at most " + std::to_string(*schema.max_length) + " characters");
        } else if (schema.compiled && !re2::RE2::FullMatch(text, *schema.compiled)) {
            report(node, path, "text that matches " + schema.pattern);
        }
    }

    std::vector<Diagnostic>& problems_;
};

// duration and intensity belong to every action type.
bool has_parameter(const ActionType& type, std::string_view name) {
    return name == "duration" || name == "intensity" ||
           std::ranges::find(type.parameters, name) != type.parameters.end();
}

std::vector<std::string> action_names(const CustomActions& custom) {
    std::vector<std::string> names;
    for (const auto& action : crd().actions) names.push_back(action.name);
    for (const auto& [name, action] : custom) names.push_back(name);
    return names;
}

// What all types have is checked; the rest is for the action's own programs.
void check_custom(const Node& node, const std::string& path, std::vector<Diagnostic>& problems) {
    for (const auto* name : {"duration", "intensity"}) {
        const Node* value = node.find(name);
        if (value == nullptr) continue;
        validate(*value, *crd().parameters().property(name), child_path(path, name), problems);
    }
}

void check_parameters(const Node& node, const ActionType& type, const std::string& path,
                      std::vector<Diagnostic>& problems) {
    auto names = type.parameters;
    names.insert(names.end(), {"duration", "intensity"});
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const auto& key = node.keys[i];
        const auto below = child_path(path, key.name);
        if (!has_parameter(type, key.name)) {
            problems.push_back(
                {key.mark, below,
                 "unknown parameter for " + type.name + did_you_mean(key.name, names)});
            continue;
        }
        if (type.instant && key.name == "duration") {
            problems.push_back(
                {key.mark, below,
                 type.name + " happens at once and has no duration" +
                     (has_parameter(type, "repeat") ? "; to repeat it, use repeat" : "")});
            continue;
        }
        validate(node.items[i], *crd().parameters().property(key.name), below, problems);
    }
    for (const auto& name : type.required) {
        if (node.find(name) == nullptr) {
            problems.push_back(
                {node.mark, child_path(path, name), "missing; " + type.name + " needs it"});
        }
    }
}

}  // namespace

void validate(const Node& node, const Schema& schema, const std::string& path,
              std::vector<Diagnostic>& problems) {
    Validator{problems}.visit(node, schema, path);
}

void fill_defaults(Node& node, const Schema& schema) {
    if (node.is_sequence() && schema.items) {
        for (auto& item : node.items) fill_defaults(item, *schema.items);
    }
    if (!node.is_map()) return;
    for (const auto& [name, child] : schema.properties) {
        Node* present = node.find(name);
        if (present == nullptr && child->default_value) {
            Node value = *child->default_value;
            value.mark = node.mark;
            node.add(name, std::move(value));
            present = &node.items.back();
        }
        if (present != nullptr && name != "parameters") fill_defaults(*present, *child);
    }
}

bool check_action(const Node& action, const std::string& path, const CustomActions& custom,
                  std::vector<Diagnostic>& problems) {
    const Node* type = action.find("type");
    if (type == nullptr || !type->is_scalar()) return false;  // reported by validate
    const auto* known = crd().action(type->scalar);
    const auto where = child_path(path, "type");
    const bool is_custom = custom.contains(type->scalar);
    if (known == nullptr && !is_custom) {
        const auto names = action_names(custom);
        auto problem = found_expected(*type, where, list_of(names));
        problem.message += did_you_mean(type->scalar, names) +
                           "; an action of one's own is defined in the configuration, under "
                           "custom_actions";
        problems.push_back(std::move(problem));
        return false;
    }
    const Node* parameters = action.find("parameters");
    const Node nothing{
        .kind = Node::Kind::kMap, .scalar = {}, .mark = action.mark, .items = {}, .keys = {}};
    const auto below = child_path(path, "parameters");
    if (parameters != nullptr && !parameters->is_map()) {
        problems.push_back(found_expected(*parameters, below, "a map of parameters"));
        return false;
    }
    const auto before = problems.size();
    const Node& given = parameters == nullptr ? nothing : *parameters;
    if (is_custom) {
        check_custom(given, below, problems);
    } else {
        check_parameters(given, *known, below, problems);
    }
    return problems.size() == before;
}

void fill_parameters(Node& action) {
    const auto* type = crd().action(action.text_at("type"));
    Node* parameters = action.find("parameters");
    if (type == nullptr || parameters == nullptr) return;
    const auto level = parameters->text_at("intensity");
    for (const auto& name : type->parameters) {
        Node* present = parameters->find(name);
        const Node* figures = type->intensity.find(name);
        const Node* figure = figures == nullptr ? nullptr : figures->find(level);
        const Schema* schema = crd().parameters().property(name);
        if (present == nullptr && figure != nullptr) {
            parameters->add(name, *figure);
        } else if (present == nullptr && schema != nullptr && schema->default_value) {
            parameters->add(name, *schema->default_value);
        }
        if (present != nullptr && schema != nullptr) fill_defaults(*present, *schema);
    }
}

}  // namespace chaos::manifest
