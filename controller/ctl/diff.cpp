// diff: what applying a file would change, field by field.
#include <algorithm>
#include <ostream>

#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

std::string text(const Node* node) {
    return node == nullptr ? std::string{} : manifest::canonical_json(*node);
}

struct Change {
    std::string path;
    const Node* before = nullptr;
    const Node* after = nullptr;
};

class Differ {
public:
    std::vector<Change> changes;

    void compare(const Node* before, const Node* after, const std::string& path) {
        if (before != nullptr && after != nullptr && before->is_map() && after->is_map()) {
            compare_maps(*before, *after, path);
        } else if (before != nullptr && after != nullptr && before->is_sequence() &&
                   after->is_sequence()) {
            compare_lists(*before, *after, path);
        } else if (text(before) != text(after)) {
            changes.push_back({path, before, after});
        }
    }

private:
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
};

void print_text(const Context& context, const std::vector<Change>& changes) {
    for (const auto& [path, before, after] : changes) {
        context.out << (before == nullptr  ? "+ "
                        : after == nullptr ? "- "
                                           : "~ ")
                    << path << ": " << text(before)
                    << (before != nullptr && after != nullptr ? " -> " : "") << text(after) << '\n';
    }
}

Node tree_of(const std::string& name, bool fresh, const std::vector<Change>& changes) {
    Node node = manifest::map_node();
    node.add("name", manifest::text_node(name));
    node.add("new", manifest::flag_node(fresh));
    Node list = manifest::list_node();
    for (const auto& [path, before, after] : changes) {
        Node change = manifest::map_node();
        change.add("field", manifest::text_node(path));
        if (before != nullptr) change.add("before", *before);
        if (after != nullptr) change.add("after", *after);
        list.items.push_back(std::move(change));
    }
    node.add("changes", std::move(list));
    return node;
}

Node root_of(const std::string& text) {
    auto documents = manifest::load_yaml(text);
    return documents.size() == 1 && documents[0].ok() ? std::move(documents[0].root) : Node{};
}

}  // namespace

int diff(const Context& context, const std::string& path) {
    const auto documents = read_valid_documents(context, {path});
    if (!documents) return kUsage;  // as diff(1) and kubectl: 1 is for differences
    const auto items = load_catalog(context);
    if (!items) return failed(context, items.error().context, kUsage);
    bool differs = false;
    const bool structured = context.output == Output::kJson || context.output == Output::kYaml;
    Node trees = manifest::list_node();
    for (const auto& document : *documents) {
        const auto existing = std::ranges::find_if(
            *items, [&](const Item& item) { return item.name == document.name && item.document; });
        const Node before = existing == items->end() ? Node{} : root_of(existing->document->text);
        const Node after = root_of(document.text);
        const bool fresh = existing == items->end();
        Differ differ;
        differ.compare(before.is_null() ? nullptr : &before, &after, "");
        differs = differs || !differ.changes.empty();
        trees.items.push_back(tree_of(document.name, fresh, differ.changes));
        if (structured) continue;
        context.out << "chaosexperiment/" << document.name << (fresh ? " (new)" : "") << '\n';
        print_text(context, differ.changes);
    }
    print_tree(context, trees);
    return differs ? kFailed : kOk;
}

}  // namespace chaos::ctl
