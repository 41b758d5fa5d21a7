// The CRD of crd-schemas/, compiled in: the single source for validation, defaults, `explain`, the
// reference page and the editors' JSON Schema.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/manifest/node.h"

namespace re2 {
class RE2;
}

namespace chaos::manifest {

// The subset of a structural schema that the CRD uses.
struct Schema {
    std::string type;  // empty for int-or-string
    std::string description;
    std::string format;
    std::string pattern;
    std::shared_ptr<const re2::RE2> compiled;  // of `pattern`; null where there is none
    bool int_or_string = false;
    bool preserve_unknown = false;
    std::vector<std::string> enumeration;
    std::optional<double> minimum;
    std::optional<double> maximum;
    std::optional<std::size_t> min_length;
    std::optional<std::size_t> max_length;
    std::optional<std::size_t> min_items;
    std::optional<std::size_t> max_items;
    std::optional<Node> default_value;
    std::set<std::string> required;
    std::vector<std::pair<std::string, std::unique_ptr<Schema>>> properties;  // in the file's order
    std::unique_ptr<Schema> items;
    std::unique_ptr<Schema> additional;  // of a map with free keys

    [[nodiscard]] const Schema* property(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> property_names() const;
};

// What the CRD's annotation says of one action type.
struct ActionType {
    std::string name;
    std::string summary;
    std::string group;
    bool instant = false;
    std::vector<std::string> parameters;  // without duration and intensity, which all have
    std::vector<std::string> required;
    Node intensity;  // parameter -> {low, medium, high, extreme}; null where there is none
};

struct Crd {
    Schema root;                      // of a whole ChaosExperiment
    std::vector<ActionType> actions;  // in the file's order

    [[nodiscard]] const ActionType* action(std::string_view name) const;
    [[nodiscard]] const Schema& parameters() const;  // the union of all types' parameters
};

// Parsed once, on first use; aborts with a message if the compiled-in text is broken (a bug that
// any test shows).
[[nodiscard]] const Crd& crd();

// The schema of chaos-config.yaml, likewise.
[[nodiscard]] const Schema& config_schema();

// The texts as compiled in.
[[nodiscard]] std::string_view crd_text();
[[nodiscard]] std::string_view config_schema_text();

// What a format means, for messages: "a duration such as 90s, 15m or 1h30m"; "" for unknown ones.
[[nodiscard]] std::string_view format_hint(std::string_view format);

// Whether a scalar's text is of that format; unknown formats accept everything.
[[nodiscard]] bool has_format(std::string_view format, const Node& node);

}  // namespace chaos::manifest
