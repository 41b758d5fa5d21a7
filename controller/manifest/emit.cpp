#include "controller/manifest/emit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "controller/json/json.h"

namespace chaos::manifest {
namespace {

// Texts that a YAML 1.1 or 1.2 reader would take for something else than a string: words, and all
// that begins like a number (also 12e4567, a time, or the start of a container id).
bool is_word_of_yaml(const std::string& text) {
    constexpr std::array kWords{"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    if (text.size() > 5) return false;
    std::string lower;
    for (const char c : text) {
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return std::ranges::find(kWords, lower) != kWords.end();
}

bool is_harmless(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view{" _./@%+=,;()-:"}.contains(c);
}

// Whether the text may stand without quotes. Rather too few than too many: a wrong quote harms
// nobody.
bool may_be_plain(const std::string& text) {
    if (text.empty() || is_word_of_yaml(text) || text.ends_with(' ') || text.ends_with(':')) {
        return false;
    }
    const bool one_word = text.find(' ') == std::string::npos;
    const auto first = static_cast<unsigned char>(text[0]);
    const bool starts_well =
        std::isalpha(first) != 0 || first == '/' || (std::isdigit(first) != 0 && !one_word);
    return starts_well && std::ranges::all_of(text, is_harmless) &&
           text.find(": ") == std::string::npos;
}

void write_scalar(std::string& out, const Node& node) {
    if (!node.quoted || may_be_plain(node.scalar)) {
        out += node.scalar;
        return;
    }
    // JSON's strings are YAML's, escapes and all.
    json::Writer quoted;
    quoted.value(std::string_view{node.scalar});
    out += quoted.text();
}

void write_block(std::string& out, const Node& node, int indent, bool after_dash);

void write_value(std::string& out, const Node& node, int indent) {
    if (node.is_null()) {
        out += " null\n";
    } else if (node.is_scalar()) {
        out += ' ';
        write_scalar(out, node);
        out += '\n';
    } else if (node.items.empty()) {
        out += node.is_map() ? " {}\n" : " []\n";
    } else {
        out += '\n';
        write_block(out, node, indent, false);
    }
}

void write_key(std::string& out, const std::string& key) {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.quoted = true;
    node.scalar = key;
    write_scalar(out, node);
}

// A non-empty map or sequence, each entry on lines of its own; `after_dash`: the first one goes on
// the line of the dash before it.
void write_block(std::string& out, const Node& node, int indent, bool after_dash) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        const Node& item = node.items[i];
        if (i > 0 || !after_dash) out.append(static_cast<std::size_t>(indent), ' ');
        if (node.is_map()) {
            write_key(out, node.keys[i].name);
            out += ':';
            write_value(out, item, indent + 2);
        } else if (!item.items.empty()) {
            out += "- ";
            write_block(out, item, indent + 2, true);
        } else {
            out += '-';
            write_value(out, item, indent + 2);
        }
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
    std::string out;
    if (node.items.empty()) {
        write_value(out, node, 0);
        return out.substr(out.starts_with(' ') ? 1 : 0);
    }
    write_block(out, node, 0, false);
    return out;
}

}  // namespace chaos::manifest
