// A YAML document as a tree that remembers where everything stood.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::manifest {

// 1-based, as editors count.
struct Mark {
    int line = 1;
    int column = 1;

    friend bool operator==(const Mark&, const Mark&) = default;
};

struct Node {
    enum class Kind { kNull, kScalar, kSequence, kMap };
    struct Key {
        std::string name;
        Mark mark;
    };

    Kind kind = Kind::kNull;
    bool quoted = false;  // '...' or "...": a string whatever it looks like
    std::string scalar;
    Mark mark;
    std::vector<Node> items;  // of a sequence, or the values of a map
    std::vector<Key> keys;    // of a map, parallel to items

    [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
    [[nodiscard]] bool is_sequence() const { return kind == Kind::kSequence; }
    [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
    [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }

    // The value of a key of a map, or null.
    [[nodiscard]] const Node* find(std::string_view key) const;
    [[nodiscard]] Node* find(std::string_view key);
    // Follows map keys: at("spec", "duration").
    template <class... Keys>
    [[nodiscard]] const Node* at(std::string_view key, Keys... rest) const {
        const Node* next = find(key);
        if constexpr (sizeof...(rest) == 0) {
            return next;
        } else {
            return next == nullptr ? nullptr : next->at(rest...);
        }
    }
    // The scalar's text, or "" for anything else and for null.
    [[nodiscard]] std::string text_at(std::string_view key) const;

    void add(std::string name, Node value);

    // For messages: `"text"`, `1.5`, `a list`, `a map`, `nothing`.
    [[nodiscard]] std::string describe() const;
};

// How a plain scalar reads in YAML 1.2's core schema. `yes` and `on` are strings there.
[[nodiscard]] bool is_boolean(const Node& node);
[[nodiscard]] bool is_integer(const Node& node);
[[nodiscard]] bool is_number(const Node& node);

// JSON with sorted keys and no spaces: two documents that differ in layout, comments, quoting or
// key order have the same text.
[[nodiscard]] std::string canonical_json(const Node& node);

// JSON in the document's own order, indented, for `-o json`.
[[nodiscard]] std::string pretty_json(const Node& node);

}  // namespace chaos::manifest
