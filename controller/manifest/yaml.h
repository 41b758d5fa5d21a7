// YAML text → trees, with every limit that untrusted text needs. yaml-cpp stops here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/manifest/diagnostic.h"
#include "controller/manifest/node.h"

namespace chaos::manifest {

// Specification section 3: at most 1 MiB, bounded depth and alias expansion, no custom tags.
inline constexpr std::size_t kMaxFileBytes = 1024UL * 1024;
inline constexpr int kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 100'000;  // per document, aliases expanded

struct YamlDocument {
    int index = 0;                     // position in the file, from 0, empty documents counted
    std::string text;                  // of this document alone
    Node root;                         // meaningful where `problems` is empty
    std::vector<Diagnostic> problems;  // marks count from the start of the file

    [[nodiscard]] bool ok() const { return problems.empty(); }
};

// Splits at `---` lines first and parses each document by itself, so that a broken one does not
// hide those behind it. Empty documents are left out. Never throws.
[[nodiscard]] std::vector<YamlDocument> load_yaml(std::string_view text);

}  // namespace chaos::manifest
