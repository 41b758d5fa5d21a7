#include "controller/manifest/emit.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <cctype>
#include <cstdio>

namespace chaos::manifest {
namespace {

// Texts that a YAML 1.1 or 1.2 reader would take for something else than a string: words, and all
// that begins like a number (also 12e4567, a time, or the start of a container id).
bool needs_quotes(const Node& node) {
    if (!node.quoted || node.scalar.empty()) return node.quoted;
    constexpr std::array kWords{"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    std::string lower;
    for (const char c : node.scalar) {
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    for (const auto* word : kWords) {
        if (lower == word) return true;
    }
    const bool word = lower.find(' ') == std::string::npos;
    return lower == "~" || (word && std::string_view{"0123456789.+-"}.contains(lower[0]));
}

void emit(YAML::Emitter& out, const Node& node) {
    switch (node.kind) {
        case Node::Kind::kNull: out << YAML::Null; break;
        case Node::Kind::kScalar:
            if (needs_quotes(node)) out << YAML::DoubleQuoted;
            // yaml-cpp quotes by itself what would not read back as the same text.
            out << node.scalar;
            break;
        case Node::Kind::kSequence:
            if (node.items.empty()) out << YAML::Flow;
            out << YAML::BeginSeq;
            for (const auto& item : node.items) emit(out, item);
            out << YAML::EndSeq;
            break;
        case Node::Kind::kMap:
            if (node.items.empty()) out << YAML::Flow;
            out << YAML::BeginMap;
            for (std::size_t i = 0; i < node.keys.size(); ++i) {
                out << YAML::Key << node.keys[i].name << YAML::Value;
                emit(out, node.items[i]);
            }
            out << YAML::EndMap;
            break;
    }
}

Node scalar_node(std::string text, bool quoted) {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.scalar = std::move(text);
    node.quoted = quoted;
    return node;
}

}  // namespace

Node text_node(std::string_view text) { return scalar_node(std::string{text}, true); }
Node integer_node(std::int64_t number) { return scalar_node(std::to_string(number), false); }
Node flag_node(bool flag) { return scalar_node(flag ? "true" : "false", false); }

Node number_node(double number) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.6f", number);
    std::string trimmed{text.data()};
    trimmed.erase(trimmed.find_last_not_of('0') + 1);
    if (trimmed.ends_with('.')) trimmed.pop_back();
    return scalar_node(std::move(trimmed), false);
}

Node map_node() {
    Node node;
    node.kind = Node::Kind::kMap;
    return node;
}

Node list_node() {
    Node node;
    node.kind = Node::Kind::kSequence;
    return node;
}

std::string emit_yaml(const Node& node) {
    YAML::Emitter out;
    out.SetIndent(2);
    emit(out, node);
    return std::string{out.c_str()} + "\n";
}

}  // namespace chaos::manifest
