#pragma once

#include <string_view>

namespace chaos {

// Shell-style match of a whole name: `*` any run of characters, `?` any one. Nothing else is
// special, since container and service names hold neither brackets nor backslashes.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace chaos
