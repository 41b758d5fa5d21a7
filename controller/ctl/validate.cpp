#include <map>
#include <ostream>

#include "controller/ctl/documents.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

void note_duplicates(std::vector<Named>& checked) {
    std::map<std::string, std::string> first;
    for (auto& item : checked) {
        if (item.document.name.empty()) continue;
        const auto [it, added] = first.emplace(item.document.name, item.path);
        if (added) continue;
        item.document.problems.push_back(
            {{},
             "metadata.name",
             "duplicate name \"" + item.document.name + "\", also in " + it->second});
    }
}

Node tree_of(const std::vector<Named>& checked) {
    Node list = manifest::list_node();
    for (const auto& item : checked) {
        Node node = manifest::map_node();
        node.add("path", manifest::text_node(item.path));
        node.add("document", manifest::integer_node(item.document.index));
        node.add("name", manifest::text_node(item.document.name));
        node.add("valid", manifest::flag_node(item.document.problems.empty()));
        Node problems = manifest::list_node();
        for (const auto& p : item.document.problems) {
            Node problem = manifest::map_node();
            problem.add("line", manifest::integer_node(p.mark.line));
            problem.add("column", manifest::integer_node(p.mark.column));
            problem.add("field", manifest::text_node(p.path));
            problem.add("message", manifest::text_node(p.message));
            problems.items.push_back(std::move(problem));
        }
        node.add("problems", std::move(problems));
        list.items.push_back(std::move(node));
    }
    return list;
}

void print_text(const Context& context, const std::vector<Named>& checked) {
    for (const auto& item : checked) {
        for (const auto& p : item.document.problems) {
            context.err << manifest::render(item.path, p) << '\n';
        }
        if (!item.document.problems.empty()) continue;
        if (context.output == Output::kName) {
            print_outcome(context, item.document.name, "");
        } else {
            context.out << item.path << ": " << item.document.name << " is valid\n";
        }
    }
}

}  // namespace

int validate(const Context& context, const std::vector<std::string>& paths) {
    if (paths.empty() && context.config_path.empty()) {
        return failed(context, "expected files to validate, or --config", kUsage);
    }
    if (paths.empty()) {
        context.out << context.config_path << ": the configuration is valid\n";
        return kOk;
    }
    auto checked = read_documents(paths, context.config.custom_actions);
    note_duplicates(checked);
    std::size_t broken = 0;
    for (const auto& item : checked) broken += item.document.problems.empty() ? 0 : 1;
    if (!print_tree(context, tree_of(checked))) print_text(context, checked);
    return broken == 0 ? kOk : kFailed;
}

}  // namespace chaos::ctl
