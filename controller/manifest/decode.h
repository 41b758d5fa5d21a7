// Manifest text → experiments, or what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/experiment.h"
#include "controller/manifest/diagnostic.h"
#include "controller/manifest/yaml.h"

namespace chaos::manifest {

struct Document {
    int index = 0;       // in the file, from 0
    std::string text;    // of this document alone: what the state store keeps
    std::string name;    // metadata.name where it is readable and valid, even if the rest is not
    std::string digest;  // "sha256:…" of the canonical spec as written, before defaults
    std::optional<Experiment> experiment;  // absent where there are problems
    std::vector<Diagnostic> problems;

    friend bool operator==(const Document&, const Document&) = default;
};

// Every document of a file. Documents of another kind (a Compose file that strayed in) are a
// problem, not silently skipped. `custom`: the action types that the configuration adds. Never
// throws.
[[nodiscard]] std::vector<Document> decode(std::string_view text, const CustomActions& custom = {});

// "sha256:" and 64 hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view text);

}  // namespace chaos::manifest
