// What is wrong with a manifest, in the form users read: file:line:column: field: found, expected.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/node.h"

namespace chaos::manifest {

struct Diagnostic {
    Mark mark;
    std::string path;  // "spec.scenarios[0].actions[1].type"; empty for the document as a whole
    std::string message;

    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// "web.yaml:3:13: spec.duration: found "15 minutes", expected a duration such as 15m"
[[nodiscard]] std::string render(std::string_view file, const Diagnostic& diagnostic);

[[nodiscard]] Diagnostic found_expected(const Node& node, std::string path,
                                        std::string_view expected);

// `; did you mean "duration"?` for the candidate nearest to a misspelt word, or "".
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

// `a, b or c`
[[nodiscard]] std::string list_of(const std::vector<std::string>& words);

}  // namespace chaos::manifest
