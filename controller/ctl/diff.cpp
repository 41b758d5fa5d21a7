// diff: what applying a file would change, field by field.
#include <algorithm>
#include <ostream>

#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

class Differ {
public:
    explicit Differ(std::ostream& out) : out_(out) {}

    void compare(const Node* before, const Node* after, const std::string& path) {
        if (before != nullptr && after != nullptr && before->is_map() && after->is_map()) {
            compare_maps(*before, *after, path);
        } else if (before != nullptr && after != nullptr && before->is_sequence() &&
                   after->is_sequence()) {
            compare_lists(*before, *after, path);
        } else if (text(before) != text(after)) {
            differs = true;
            const char* sign = before == nullptr ? "+ " : after == nullptr ? "- " : "~ ";
            out_ << sign << path << ": ";
            if (before != nullptr) out_ << text(before);
            if (before != nullptr && after != nullptr) out_ << " -> ";
            if (after != nullptr) out_ << text(after);
            out_ << '\n';
        }
    }

    bool differs = false;

private:
    static std::string text(const Node* node) {
        return node == nullptr ? std::string{} : manifest::canonical_json(*node);
    }

    void compare_maps(const Node& before, const Node& after, const std::string& path) {
        const auto below = [&](const std::string& key) {
            return path.empty() ? key : path + "." + key;
        };
        for (std::size_t i = 0; i < before.keys.size(); ++i) {
            const auto& key = before.keys[i].name;
            compare(&before.items[i], after.find(key), below(key));
        }
        for (std::size_t i = 0; i < after.keys.size(); ++i) {
            const auto& key = after.keys[i].name;
            if (before.find(key) == nullptr) compare(nullptr, &after.items[i], below(key));
        }
    }

    void compare_lists(const Node& before, const Node& after, const std::string& path) {
        const auto size = std::max(before.items.size(), after.items.size());
        for (std::size_t i = 0; i < size; ++i) {
            compare(i < before.items.size() ? &before.items[i] : nullptr,
                    i < after.items.size() ? &after.items[i] : nullptr,
                    path + "[" + std::to_string(i) + "]");
        }
    }

    std::ostream& out_;
};

Node root_of(const std::string& text) {
    auto documents = manifest::load_yaml(text);
    return documents.size() == 1 && documents[0].ok() ? std::move(documents[0].root) : Node{};
}

}  // namespace

int diff(const Context& context, const std::string& path) {
    const auto documents = read_valid_documents(context, path);
    if (!documents) return kUsage;  // as diff(1) and kubectl: 1 is for differences
    const auto items = load_catalog(context);
    if (!items) {
        context.err << "chaosctl: " << items.error().context << '\n';
        return kUsage;
    }
    bool differs = false;
    for (const auto& document : *documents) {
        const auto existing = std::ranges::find_if(
            *items, [&](const Item& item) { return item.name == document.name && item.document; });
        const Node before = existing == items->end() ? Node{} : root_of(existing->document->text);
        const Node after = root_of(document.text);
        context.out << "chaosexperiment/" << document.name
                    << (existing == items->end() ? " (new)" : "") << '\n';
        Differ differ{context.out};
        differ.compare(before.is_null() ? nullptr : &before, &after, "");
        differs = differs || differ.differs;
    }
    return differs ? kFailed : kOk;
}

}  // namespace chaos::ctl
