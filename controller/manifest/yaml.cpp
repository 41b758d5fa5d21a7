#include "controller/manifest/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace chaos::manifest {
namespace {

struct Stop : std::runtime_error {
    Stop(Mark where, const std::string& why) : std::runtime_error(why), mark(where) {}
    Mark mark;
};

// What looks like indentation and is part of the text: U+00A0, U+2003, U+2007, U+202F, U+3000.
bool starts_with_odd_blank(std::string_view text) {
    constexpr std::array<std::string_view, 5> kBlanks{"\xC2\xA0", "\xE2\x80\x83", "\xE2\x80\x87",
                                                      "\xE2\x80\xAF", "\xE3\x80\x80"};
    return std::ranges::any_of(kBlanks, [&](auto blank) { return text.starts_with(blank); });
}

// The first line that is indented with a tab, 1-based.
std::optional<Mark> first_tab(std::string_view text, int first_line) {
    for (int line = first_line; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto indentation = text.substr(0, std::min(text.find_first_not_of(" \t"), end));
        const auto tab = indentation.find('\t');
        if (tab != std::string_view::npos) return Mark{line, static_cast<int>(tab) + 1};
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::nullopt;
}

// yaml-cpp's words for what is mostly a line that is indented by one blank too few or too many.
std::string explain(const std::string& message) {
    for (const std::string_view known : {"illegal map value", "end of map not found",
                                         "end of sequence not found", "illegal block entry"}) {
        if (message == known) return message + "; is the line indented as those around it?";
    }
    return message;
}

// Builds the tree from the parser's events. yaml-cpp's own Node keeps no marks for keys, accepts
// duplicate keys and shares aliased nodes, so a tree of our own it is.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, int first_line) : text_(text), first_line_(first_line) {}

    [[nodiscard]] Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.mark = to_mark(mark);
        place(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto it = anchors_.find(anchor);
        if (it == anchors_.end()) throw Stop{to_mark(mark), "alias to a node that contains it"};
        count_ += it->second.nodes;
        check_count(to_mark(mark));
        Node copy = it->second.node;
        copy.mark = to_mark(mark);
        place(std::move(copy), 0);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        // yaml-cpp gives "?" to plain scalars and "!" to quoted ones.
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
        if (!is_closed(static_cast<std::size_t>(mark.pos))) {
            throw Stop{to_mark(mark), "found a quoted text that never ends"};
        }
        Node node;
        node.kind = Node::Kind::kScalar;
        node.quoted = tag == "!";
        node.scalar = value;
        node.mark = to_mark(mark);
        place(std::move(node), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, Node::Kind::kSequence);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, Node::Kind::kMap);
    }
    void OnMapEnd() override { close(); }

private:
    struct Anchored {
        Node node;
        std::size_t nodes = 1;
    };
    struct Level {
        Node node;
        YAML::anchor_t anchor = 0;
        std::size_t count_before = 0;
        std::optional<Node::Key> key;  // of a map, waiting for its value
    };

    // yaml-cpp 0.7 takes the end of the text for the end of a quoted scalar, so that a file cut off
    // in the middle would be read as a whole one.
    [[nodiscard]] bool is_closed(std::size_t start) const {
        if (start >= text_.size()) return true;
        const char quote = text_[start];
        if (quote != '"' && quote != '\'') return true;
        for (std::size_t i = start + 1; i < text_.size(); ++i) {
            if (quote == '"' && text_[i] == '\\') {
                ++i;
            } else if (text_[i] == quote) {
                // '' inside '…' is one quote and ends nothing.
                const bool doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
                if (!doubled) return true;
                ++i;
            }
        }
        return false;
    }

    [[nodiscard]] Mark to_mark(const YAML::Mark& mark) const {
        return {mark.line + first_line_, mark.column + 1};
    }

    [[noreturn]] void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
        throw Stop{to_mark(mark), "found the tag " + tag.substr(0, 60) + ", expected no tags"};
    }

    void check_count(Mark mark) const {
        if (count_ > kMaxNodes) {
            throw Stop{mark, "more than " + std::to_string(kMaxNodes) +
                                 " nodes once aliases are expanded"};
        }
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Node::Kind kind) {
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
        if (levels_.size() >= static_cast<std::size_t>(kMaxDepth)) {
            throw Stop{to_mark(mark),
                       "nested more than " + std::to_string(kMaxDepth) + " levels deep"};
        }
        Level level;
        level.node.kind = kind;
        level.node.mark = to_mark(mark);
        level.anchor = anchor;
        level.count_before = count_;
        levels_.push_back(std::move(level));
    }

    void close() {
        Level level = std::move(levels_.back());
        levels_.pop_back();
        const std::size_t inside = count_ - level.count_before + 1;
        place(std::move(level.node), level.anchor, inside);
    }

    void place(Node node, YAML::anchor_t anchor, std::size_t nodes = 1) {
        ++count_;
        check_count(node.mark);
        if (anchor != 0) anchors_[anchor] = {node, nodes};
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& level = levels_.back();
        if (level.node.is_sequence()) {
            level.node.items.push_back(std::move(node));
        } else if (!level.key) {
            take_key(level, node);
        } else {
            // yaml-cpp puts nothing where the next thing is, perhaps lines below.
            if (node.is_null()) node.mark = level.key->mark;
            level.node.keys.push_back(std::move(*level.key));
            level.node.items.push_back(std::move(node));
            level.key.reset();
        }
    }

    static void take_key(Level& level, const Node& node) {
        if (!node.is_scalar()) throw Stop{node.mark, "found " + node.describe() + " as a key"};
        if (starts_with_odd_blank(node.scalar)) {
            throw Stop{node.mark,
                       "found a blank that is no space (a non-breaking one, perhaps "
                       "pasted) before a key, expected spaces"};
        }
        if (level.node.find(node.scalar) != nullptr) {
            throw Stop{node.mark, "duplicate key \"" + node.scalar.substr(0, 60) + "\""};
        }
        level.key = Node::Key{node.scalar, node.mark};
    }

    std::string_view text_;
    int first_line_;
    Node root_;
    std::vector<Level> levels_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t count_ = 0;
};

struct Piece {
    std::string_view text;
    int first_line = 1;
    int index = 0;
};

bool is_marker(std::string_view line, std::string_view marker) {
    if (!line.starts_with(marker)) return false;
    return line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r';
}

// `---` and `...` in column 1 end a document wherever they stand (YAML 1.2, 9.1.2), so lines are
// enough to find them.
std::vector<Piece> split(std::string_view text) {
    std::vector<Piece> pieces{{text.substr(0, 0), 1, 0}};
    std::size_t start = 0;
    int line_number = 1;
    std::size_t piece_start = 0;
    while (start < text.size()) {
        const auto end = std::min(text.find('\n', start), text.size());
        const auto line = text.substr(start, end - start);
        if (is_marker(line, "---") || is_marker(line, "...")) {
            const bool has_content = line.find_first_not_of(" \t\r", 3) != std::string_view::npos;
            const bool inline_content =
                has_content && line[0] == '-' && line[line.find_first_not_of(" \t\r", 3)] != '#';
            pieces.back().text = text.substr(piece_start, start - piece_start);
            // What follows `--- ` on the line belongs to the new document; the parser knows.
            piece_start = inline_content ? start : std::min(end + 1, text.size());
            const int first = inline_content ? line_number : line_number + 1;
            pieces.push_back({text.substr(piece_start, 0), first, pieces.back().index + 1});
        }
        start = end + 1;
        ++line_number;
    }
    pieces.back().text = text.substr(std::min(piece_start, text.size()));
    return pieces;
}

bool is_blank(std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto first = text.substr(0, end).find_first_not_of(" \t\r");
        if (first != std::string_view::npos && text[first] != '#') return false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

// The length of a UTF-8 sequence by its first byte and the bytes behind it; 0 where it is none
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view s) {
    const auto byte = [&](std::size_t i) {
        return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool outside = (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
        return tail(1) && tail(2) && tail(3) && !outside ? 4 : 0;
    }
    return 0;
}

std::optional<Mark> first_bad_byte(std::string_view text, int first_line) {
    Mark mark{first_line, 1};
    while (!text.empty()) {
        const std::size_t n = utf8_length(text);
        if (n == 0 || text[0] == '\0') return mark;
        if (text[0] == '\n') {
            ++mark.line;
            mark.column = 1;
        } else {
            ++mark.column;
        }
        text.remove_prefix(n);
    }
    return std::nullopt;
}

YamlDocument parse(const Piece& piece) {
    YamlDocument document;
    document.index = piece.index;
    document.text = std::string{piece.text};
    if (const auto bad = first_bad_byte(piece.text, piece.first_line)) {
        document.problems.push_back({*bad, "", "found a byte that is not UTF-8 text"});
        return document;
    }
    try {
        std::istringstream stream{document.text};
        YAML::Parser parser{stream};
        TreeBuilder builder{piece.text, piece.first_line};
        if (parser.HandleNextDocument(builder)) document.root = builder.take();
    } catch (const Stop& stop) {
        document.problems.push_back({stop.mark, "", stop.what()});
    } catch (const YAML::Exception& error) {
        if (const auto tab = first_tab(piece.text, piece.first_line)) {
            document.problems.push_back(
                {*tab, "", "not YAML: found a tab in the indentation, expected spaces"});
            return document;
        }
        const Mark mark{error.mark.line + piece.first_line, error.mark.column + 1};
        document.problems.push_back({mark, "", "not YAML: " + explain(error.msg)});
    }
    return document;
}

}  // namespace

std::vector<YamlDocument> load_yaml(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
    if (text.size() > kMaxFileBytes) {
        YamlDocument document;
        document.problems.push_back({{}, "", "the file is larger than 1 MiB"});
        return {document};
    }
    std::vector<YamlDocument> documents;
    for (const auto& piece : split(text)) {
        if (!is_blank(piece.text)) documents.push_back(parse(piece));
    }
    return documents;
}

}  // namespace chaos::manifest
