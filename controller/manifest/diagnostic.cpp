#include "controller/manifest/diagnostic.h"

#include <algorithm>
#include <numeric>

namespace chaos::manifest {
namespace {

// Levenshtein's distance, by rows.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string render(std::string_view file, const Diagnostic& d) {
    std::string text{file};
    // Line 0: what is wrong with the file as a whole has no place in it.
    if (d.mark.line > 0) {
        text += ":" + std::to_string(d.mark.line) + ":" + std::to_string(d.mark.column);
    }
    text += ": ";
    if (!d.path.empty()) text += d.path + ": ";
    return text + d.message;
}

Diagnostic found_expected(const Node& node, std::string path, std::string_view expected) {
    return {node.mark, std::move(path),
            "found " + node.describe() + ", expected " + std::string{expected}};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.size() > 64) return {};
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    const std::string* nearest = nullptr;
    for (const auto& candidate : candidates) {
        const auto d = distance(word, candidate);
        if (d < best) {
            best = d;
            nearest = &candidate;
        }
    }
    return nearest == nullptr ? std::string{} : "; did you mean \"" + *nearest + "\"?";
}

std::string list_of(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += words[i];
    }
    return text;
}

}  // namespace chaos::manifest
