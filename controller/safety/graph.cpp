#include "controller/safety/graph.h"

#include <deque>

namespace chaos::safety {
namespace {

// The names of "db:service_started:false,cache:service_healthy:true".
std::vector<std::string> names_of(std::string_view label) {
    std::vector<std::string> names;
    while (!label.empty()) {
        const auto item = label.substr(0, label.find(','));
        label.remove_prefix(std::min(item.size() + 1, label.size()));
        const auto name = item.substr(0, item.find(':'));
        if (!name.empty()) names.emplace_back(name);
    }
    return names;
}

}  // namespace

std::string service_key(const std::string& project, const std::string& service) {
    return project.empty() ? service : project + "/" + service;
}

std::string service_key(const Container& container) {
    return service_key(container.project(), container.service());
}

Graph::Graph(const std::vector<Container>& containers, const Dependencies& configured) {
    for (const auto& container : containers) {
        auto& node = nodes_[service_key(container)];
        node.project = container.project();
        node.service = container.service();
        node.containers.push_back(container.name);
        if (container.running()) ++node.running;
    }
    for (const auto& container : containers) {
        const auto label = container.labels.find(kDependsOnLabel);
        if (label == container.labels.end()) continue;
        for (const auto& name : names_of(label->second)) {
            connect(service_key(container), service_key(container.project(), name));
        }
    }
    for (const auto& [name, needs] : configured) {
        auto from = keys_of(name, "");
        if (from.empty()) from = {name};
        for (const auto& key : from) {
            for (const auto& need : needs) {
                auto to = keys_of(need, nodes_[key].project);
                if (to.empty()) to = {need};
                for (const auto& other : to) connect(key, other);
            }
        }
    }
    for (auto& [key, node] : nodes_) {
        if (node.service.empty()) node.service = key;
    }
}

void Graph::connect(const std::string& from, const std::string& to) {
    if (from == to) return;
    nodes_[from].needs.insert(to);
    nodes_[to].needed_by.insert(from);
    edges_ = true;
}

std::vector<std::string> Graph::keys_of(const std::string& name, const std::string& project) const {
    if (!project.empty() && nodes_.contains(service_key(project, name))) {
        return {service_key(project, name)};
    }
    std::vector<std::string> keys;
    for (const auto& [key, node] : nodes_) {
        if (key == name || node.service == name) keys.push_back(key);
    }
    return keys;
}

std::map<std::string, int> Graph::walk(const std::string& key,
                                       std::set<std::string> Node::* edges) const {
    std::map<std::string, int> found;
    std::deque<std::pair<std::string, int>> open{{key, 0}};
    while (!open.empty()) {
        const auto [at, distance] = open.front();
        open.pop_front();
        const auto node = nodes_.find(at);
        if (node == nodes_.end()) continue;
        for (const auto& next : node->second.*edges) {
            if (next != key && found.emplace(next, distance + 1).second) {
                open.emplace_back(next, distance + 1);
            }
        }
    }
    return found;
}

std::map<std::string, int> Graph::dependents(const std::string& key) const {
    return walk(key, &Node::needed_by);
}

std::map<std::string, int> Graph::dependencies(const std::string& key) const {
    return walk(key, &Node::needs);
}

bool Graph::on_one_path(const std::string& a, const std::string& b) const {
    return dependents(a).contains(b) || dependencies(a).contains(b);
}

}  // namespace chaos::safety
