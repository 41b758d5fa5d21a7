#include "controller/manifest/node.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "controller/json/json.h"

namespace chaos::manifest {
namespace {

constexpr std::size_t kShown = 60;  // characters of a foreign value repeated in a message

// YAML's core schema allows a plus sign, from_chars does not.
template <class T>
std::optional<T> read_as(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return std::nullopt;
    }
    T value{};
    const auto* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, value);
    return ec == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

bool is_plain(const Node& node) { return node.is_scalar() && !node.quoted; }

void write(json::Writer& out, const Node& node, bool sorted);

void write_map(json::Writer& out, const Node& node, bool sorted) {
    std::vector<std::size_t> order(node.keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (sorted) {
        std::ranges::sort(order, {}, [&](std::size_t i) { return node.keys[i].name; });
    }
    out.begin_object();
    for (const std::size_t i : order) {
        out.key(node.keys[i].name);
        write(out, node.items[i], sorted);
    }
    out.end_object();
}

void write(json::Writer& out, const Node& node, bool sorted) {
    switch (node.kind) {
        case Node::Kind::kNull: out.null(); break;
        case Node::Kind::kMap: write_map(out, node, sorted); break;
        case Node::Kind::kSequence:
            out.begin_array();
            for (const auto& item : node.items) write(out, item, sorted);
            out.end_array();
            break;
        case Node::Kind::kScalar:
            if (is_boolean(node)) {
                out.value(node.scalar == "true");
            } else if (is_integer(node)) {
                out.value(*read_as<std::int64_t>(node.scalar));
            } else if (is_number(node)) {
                out.value(*read_as<double>(node.scalar));
            } else {
                out.value(std::string_view{node.scalar});
            }
            break;
    }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    if (!is_map()) return nullptr;
    const auto it = std::ranges::find(keys, key, &Key::name);
    return it == keys.end() ? nullptr : &items[static_cast<std::size_t>(it - keys.begin())];
}

Node* Node::find(std::string_view key) {
    return const_cast<Node*>(std::as_const(*this).find(key));  // NOLINT: one search, two views
}

std::string Node::text_at(std::string_view key) const {
    const Node* node = find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : std::string{};
}

void Node::add(std::string name, Node value) {
    kind = Kind::kMap;
    keys.push_back({std::move(name), value.mark});
    items.push_back(std::move(value));
}

std::string Node::describe() const {
    switch (kind) {
        case Kind::kNull: return "nothing";
        case Kind::kSequence: return "a list";
        case Kind::kMap: return "a map";
        case Kind::kScalar: break;
    }
    const auto shown = scalar.size() > kShown ? scalar.substr(0, kShown) + "…" : scalar;
    return is_number(*this) || is_boolean(*this) ? shown : "\"" + shown + "\"";
}

bool is_boolean(const Node& node) {
    return is_plain(node) && (node.scalar == "true" || node.scalar == "false");
}

bool is_integer(const Node& node) {
    return is_plain(node) && read_as<std::int64_t>(node.scalar).has_value();
}

bool is_number(const Node& node) {
    // from_chars reads "inf" and "nan", which no field means, and what is smaller than a normal
    // double, which std::stod (build_experiment) throws at.
    const auto value = read_as<double>(node.scalar);
    return is_plain(node) && value && std::fpclassify(*value) != FP_SUBNORMAL &&
           node.scalar.find_first_of("iInN") == std::string::npos;
}

std::string canonical_json(const Node& node) {
    json::Writer out;
    write(out, node, true);
    return out.text();
}

std::string pretty_json(const Node& node) {
    json::Writer out{json::Writer::Style::kPretty};
    write(out, node, false);
    return out.text();
}

}  // namespace chaos::manifest
