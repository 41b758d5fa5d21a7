#include "controller/manifest/schema.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "controller/manifest/yaml.h"

namespace chaos::manifest {
namespace {

[[noreturn]] void broken(const std::string& why) {
    std::fprintf(stderr, "the compiled-in CRD is broken: %s\n", why.c_str());
    std::abort();
}

std::vector<std::string> strings(const Node* node) {
    std::vector<std::string> result;
    if (node != nullptr) {
        for (const auto& item : node->items) result.push_back(item.scalar);
    }
    return result;
}

std::optional<double> number(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (found == nullptr) return std::nullopt;
    if (!is_number(*found)) broken(std::string{key} + " is not a number");
    return std::stod(found->scalar);
}

std::optional<std::size_t> count(const Node& node, std::string_view key) {
    const auto value = number(node, key);
    if (!value) return std::nullopt;
    return static_cast<std::size_t>(*value);
}

bool flag(const Node& node, std::string_view key) { return node.text_at(key) == "true"; }

Schema read_schema(const Node& node);

void read_children(const Node& node, Schema& schema) {
    if (const Node* properties = node.find("properties")) {
        for (std::size_t i = 0; i < properties->keys.size(); ++i) {
            schema.properties.emplace_back(
                properties->keys[i].name,
                std::make_unique<Schema>(read_schema(properties->items[i])));
        }
    }
    if (const Node* items = node.find("items")) {
        schema.items = std::make_unique<Schema>(read_schema(*items));
    }
    if (const Node* additional = node.find("additionalProperties")) {
        schema.additional = std::make_unique<Schema>(read_schema(*additional));
    }
}

Schema read_schema(const Node& node) {
    Schema schema;
    schema.type = node.text_at("type");
    schema.description = node.text_at("description");
    schema.format = node.text_at("format");
    schema.pattern = node.text_at("pattern");
    if (!schema.pattern.empty()) {
        schema.compiled = std::make_shared<const re2::RE2>(schema.pattern, re2::RE2::Quiet);
    }
    schema.int_or_string = flag(node, "x-kubernetes-int-or-string");
    schema.preserve_unknown = flag(node, "x-kubernetes-preserve-unknown-fields");
    schema.enumeration = strings(node.find("enum"));
    schema.minimum = number(node, "minimum");
    schema.maximum = number(node, "maximum");
    schema.min_length = count(node, "minLength");
    schema.max_length = count(node, "maxLength");
    schema.min_items = count(node, "minItems");
    schema.max_items = count(node, "maxItems");
    if (const Node* value = node.find("default")) schema.default_value = *value;
    for (auto& name : strings(node.find("required"))) schema.required.insert(std::move(name));
    read_children(node, schema);
    return schema;
}

Node single_document(std::string_view text, const char* what) {
    auto documents = load_yaml(text);
    if (documents.size() != 1) broken(std::string{what} + " is not one document");
    if (!documents[0].ok()) broken(render(what, documents[0].problems[0]));
    return std::move(documents[0].root);
}

std::vector<ActionType> read_actions(const Node& table) {
    std::vector<ActionType> actions;
    for (std::size_t i = 0; i < table.keys.size(); ++i) {
        const Node& entry = table.items[i];
        ActionType action;
        action.name = table.keys[i].name;
        action.summary = entry.text_at("summary");
        action.group = entry.text_at("group");
        action.instant = flag(entry, "instant");
        action.parameters = strings(entry.find("parameters"));
        action.required = strings(entry.find("required"));
        if (const Node* intensity = entry.find("intensity")) action.intensity = *intensity;
        actions.push_back(std::move(action));
    }
    return actions;
}

// metadata as Kubernetes admits it in a CRD, completed by what the annotation holds.
void complete_metadata(Schema& root, const Node& extra) {
    for (auto& [name, child] : root.properties) {
        if (name != "metadata") continue;
        for (std::size_t i = 0; i < extra.keys.size(); ++i) {
            child->properties.emplace_back(extra.keys[i].name,
                                           std::make_unique<Schema>(read_schema(extra.items[i])));
        }
    }
}

Crd read_crd() {
    const Node document = single_document(crd_text(), "crd-schemas/chaosexperiment.yaml");
    const Node* annotations = document.at("metadata", "annotations");
    const Node* versions = document.at("spec", "versions");
    if (annotations == nullptr || versions == nullptr || versions->items.empty()) {
        broken("no annotations or no versions");
    }
    const Node* root = versions->items[0].at("schema", "openAPIV3Schema");
    if (root == nullptr) broken("no openAPIV3Schema");
    Crd result;
    result.root = read_schema(*root);
    result.actions =
        read_actions(single_document(annotations->text_at("chaos.sutazai.com/actions"), "actions"));
    complete_metadata(
        result.root,
        single_document(annotations->text_at("chaos.sutazai.com/metadata"), "metadata"));
    return result;
}

}  // namespace

const Schema* Schema::property(std::string_view name) const {
    for (const auto& [key, child] : properties) {
        if (key == name) return child.get();
    }
    return nullptr;
}

std::vector<std::string> Schema::property_names() const {
    std::vector<std::string> names;
    names.reserve(properties.size());
    for (const auto& [key, child] : properties) names.push_back(key);
    return names;
}

const ActionType* Crd::action(std::string_view name) const {
    const auto it = std::ranges::find(actions, name, &ActionType::name);
    return it == actions.end() ? nullptr : &*it;
}

const Schema& Crd::parameters() const {
    const Schema* schema = &root;
    for (const auto* step : {"spec", "scenarios", "actions", "parameters"}) {
        if (schema->items) schema = schema->items.get();
        schema = schema->property(step);
        if (schema == nullptr) broken(std::string{"no "} + step);
    }
    return *schema;
}

const Schema& config_schema() {
    static const Schema kSchema =
        read_schema(single_document(config_schema_text(), "crd-schemas/chaosconfig.yaml"));
    return kSchema;
}

const Crd& crd() {
    static const Crd kCrd = read_crd();
    return kCrd;
}

}  // namespace chaos::manifest
