// chaos-config.yaml → values, or what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/config.h"
#include "controller/manifest/diagnostic.h"

namespace chaos::config {

struct Document {
    std::optional<Config> config;  // absent where there are problems
    std::vector<manifest::Diagnostic> problems;
};

// "{}" is a configuration in which everything has its default; an empty text is none, as it may be
// one that is only about to be written. Never throws.
[[nodiscard]] Document decode(std::string_view text);

}  // namespace chaos::config
