#include "controller/manifest/scalars.h"

namespace chaos::manifest {

std::optional<Duration> duration_at(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    return found == nullptr ? std::nullopt : parse_duration(found->scalar);
}

std::optional<std::int64_t> integer_at(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (found == nullptr) return std::nullopt;
    return std::stoll(found->scalar);
}

std::optional<double> number_at(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (found == nullptr) return std::nullopt;
    return std::stod(found->scalar);
}

std::optional<std::string> string_at(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (found == nullptr) return std::nullopt;
    return found->scalar;
}

std::vector<std::string> strings_at(const Node& node, std::string_view key) {
    std::vector<std::string> result;
    if (const Node* list = node.find(key)) {
        for (const auto& item : list->items) result.push_back(item.scalar);
    }
    return result;
}

}  // namespace chaos::manifest
