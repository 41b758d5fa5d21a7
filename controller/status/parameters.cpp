// The parameters of network and stress faults as their manifests would write them.
#include "controller/api/names.h"
#include "controller/api/network_fields.h"
#include "controller/api/stress_fields.h"
#include "controller/manifest/emit.h"
#include "controller/manifest/quantity.h"
#include "controller/status/status.h"

namespace chaos::status {
namespace {

using manifest::integer_node;
using manifest::list_node;
using manifest::map_node;
using manifest::Node;
using manifest::number_node;
using manifest::text_node;

struct Add {
    Node& map;

    static Node node_of(double value) { return number_node(value); }
    static Node node_of(int value) { return integer_node(value); }
    static Node node_of(std::uint64_t value) {
        return integer_node(static_cast<std::int64_t>(value));
    }
    static Node node_of(Duration value) { return text_node(format_duration(value)); }
    static Node node_of(const std::string& value) { return text_node(value); }
    static Node node_of(const Ports& value) { return text_node(manifest::format_ports(value)); }
    template <class E>
        requires std::is_enum_v<E>
    static Node node_of(E value) {
        return text_node(find_name(names_of(value), value));
    }
    static Node node_of(const Bandwidth& value) {
        Node node = map_node();
        Add add{node};
        add("rate", manifest::format_rate(value.rate));
        add("burst", value.burst);
        add("latency", value.latency);
        return node;
    }
    static Node node_of(const Loss& loss) {
        Node node = map_node();
        if (const auto* share = std::get_if<Share>(&loss)) return node_of(*share);
        if (const auto* model = std::get_if<GilbertElliott>(&loss)) Add{node}("gemodel", *model);
        if (const auto* state = std::get_if<FourState>(&loss)) Add{node}("state", *state);
        return node;
    }
    template <class T>
        requires std::is_class_v<T>
    static Node node_of(const T& value) {
        Node node = map_node();
        visit_fields(value, Add{node});
        return node;
    }

    template <class T>
    void operator()(const char* name, const T& value) const {
        map.add(name, node_of(value));
    }
    template <class T>
    void operator()(const char* name, const std::optional<T>& value) const {
        if (value) (*this)(name, *value);
    }
    template <class T>
    void operator()(const char* name, const std::vector<T>& values) const {
        if (values.empty()) return;
        Node list = list_node();
        for (const auto& value : values) list.items.push_back(node_of(value));
        map.add(name, std::move(list));
    }
};

bool is_effect(std::string_view name) {
    return name != "direction" && name != "to" && name != "except" && name != "interfaces";
}

// The fields of the effects stand beside the others.
Node flatten(Node all) {
    Node flat = map_node();
    for (std::size_t i = 0; i < all.keys.size(); ++i) {
        Node& value = all.items[i];
        if (!is_effect(all.keys[i].name)) {
            flat.add(all.keys[i].name, std::move(value));
            continue;
        }
        for (std::size_t j = 0; j < value.keys.size(); ++j) {
            flat.add(value.keys[j].name, std::move(value.items[j]));
        }
    }
    return flat;
}

}  // namespace

Node network_parameters(const NetworkFault& fault) {
    Node all = map_node();
    visit_fields(fault, Add{all});
    if (fault.partition) {
        Node from = map_node();
        Add{from}("from", *fault.partition);
        *all.find("partition") = std::move(from);
    }
    return fault.action == NetworkAction::kCombined ? all : flatten(std::move(all));
}

Node stress_parameters(const StressFault& fault) {
    Node all = map_node();
    visit_fields(fault, Add{all});
    return fault.action == StressAction::kCombined ? all : flatten(std::move(all));
}

}  // namespace chaos::status
