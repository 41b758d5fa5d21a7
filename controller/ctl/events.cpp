#include <algorithm>
#include <ostream>
#include <set>
#include <thread>
#include <tuple>

#include "controller/ctl/catalog.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

constexpr Duration kInterval = std::chrono::milliseconds{200};

// time, experiment, type, reason, message: in the order they are sorted by.
using Row = std::tuple<std::string, std::string, std::string, std::string, std::string>;

std::vector<Row> rows_of(const std::vector<Item>& items, const std::string& name) {
    std::vector<Row> rows;
    for (const auto& item : items) {
        const auto* events = item.status.at("status", "events");
        if (events == nullptr || (!name.empty() && item.name != name)) continue;
        for (const auto& e : events->items) {
            rows.emplace_back(e.text_at("time"), item.name, e.text_at("type"), e.text_at("reason"),
                              e.text_at("message"));
        }
    }
    std::ranges::stable_sort(rows, {}, [](const Row& row) { return std::get<0>(row); });
    return rows;
}

void print(const Context& context, const std::vector<Row>& rows, bool header) {
    Table table{header ? std::vector<std::string>{"TIME", "EXPERIMENT", "TYPE", "REASON", "MESSAGE"}
                       : std::vector<std::string>{}};
    for (const auto& [time, experiment, type, reason, message] : rows) {
        table.add({time, experiment, type, reason, message});
    }
    table.print(context.out);
    context.out.flush();
}

bool is_known(const std::vector<Item>& items, const std::string& name) {
    return name.empty() || std::ranges::find(items, name, &Item::name) != items.end();
}

Node tree_of(const std::vector<Row>& rows) {
    Node list = manifest::list_node();
    for (const auto& [time, experiment, type, reason, message] : rows) {
        Node node = manifest::map_node();
        node.add("time", manifest::text_node(time));
        node.add("experiment", manifest::text_node(experiment));
        node.add("type", manifest::text_node(type));
        node.add("reason", manifest::text_node(reason));
        node.add("message", manifest::text_node(message));
        list.items.push_back(std::move(node));
    }
    return list;
}

}  // namespace

int events(const Context& context, const std::string& name, bool watch) {
    if (!watch && context.output != Output::kTable) {
        const auto items = load_catalog(context);
        if (!items) return failed(context, items.error().context);
        if (!is_known(*items, name)) return not_found(context, name);
        print_tree(context, tree_of(rows_of(*items, name)));
        return kOk;
    }
    if (watch && context.output != Output::kTable) {
        return failed(context, "-w prints lines, expected no -o with it", kUsage);
    }
    std::set<Row> shown;
    bool header = true;
    do {
        const auto items = load_catalog(context);
        if (!items) return failed(context, items.error().context);
        if (!watch && !is_known(*items, name)) return not_found(context, name);
        auto rows = rows_of(*items, name);
        std::erase_if(rows, [&](const Row& row) { return !shown.insert(row).second; });
        if (header || !rows.empty()) print(context, rows, header);
        header = false;
        if (watch) std::this_thread::sleep_for(kInterval);
    } while (watch && context.out);
    return kOk;
}

}  // namespace chaos::ctl
