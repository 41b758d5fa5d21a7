// Values of a node that the schema has vouched for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/names.h"
#include "controller/api/time.h"
#include "controller/manifest/node.h"

namespace chaos::manifest {

// The schema's enum has vouched for the text; the first entry stands for what cannot happen.
template <class E, std::size_t N>
E enum_at(const Node& node, std::string_view key, const Names<E, N>& names) {
    return find_value(names, node.text_at(key)).value_or(names[0].second);
}

[[nodiscard]] std::optional<Duration> duration_at(const Node& node, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> integer_at(const Node& node, std::string_view key);
[[nodiscard]] std::optional<double> number_at(const Node& node, std::string_view key);
[[nodiscard]] std::optional<std::string> string_at(const Node& node, std::string_view key);
[[nodiscard]] std::vector<std::string> strings_at(const Node& node, std::string_view key);

}  // namespace chaos::manifest
