// Trees → YAML text, for status files and `-o yaml`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/manifest/node.h"

namespace chaos::manifest {

[[nodiscard]] Node text_node(std::string_view text);  // a string, quoted where it must be
[[nodiscard]] Node integer_node(std::int64_t number);
[[nodiscard]] Node number_node(double number);  // at most 6 decimals
[[nodiscard]] Node flag_node(bool flag);
[[nodiscard]] Node map_node();
[[nodiscard]] Node list_node();

// Block style, two spaces, keys in the tree's order: equal trees give equal text.
[[nodiscard]] std::string emit_yaml(const Node& node);

}  // namespace chaos::manifest
