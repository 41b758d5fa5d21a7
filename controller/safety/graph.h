// Which service needs which: from Compose's depends_on labels and the configuration. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/api/container.h"

namespace chaos::safety {

// Compose writes here what a service depends on: "db:service_started:false,cache:…".
inline constexpr std::string_view kDependsOnLabel = "com.docker.compose.depends_on";

// A service is what Compose calls so, in its project; elsewhere the container. "project/service",
// or the name alone.
[[nodiscard]] std::string service_key(const std::string& project, const std::string& service);
[[nodiscard]] std::string service_key(const Container& container);

using Dependencies = std::map<std::string, std::vector<std::string>>;  // by names, as configured

class Graph {
public:
    struct Node {
        std::string project;
        std::string service;
        std::vector<std::string> containers;  // names
        std::set<std::string> needs;          // keys
        std::set<std::string> needed_by;
        std::size_t running = 0;  // of its containers
    };

    Graph() = default;
    // Names of the configuration mean the service of that name in the same project, or else every
    // one of that name. A service that is named only, and has no container, is there too.
    Graph(const std::vector<Container>& containers, const Dependencies& configured);

    [[nodiscard]] const std::map<std::string, Node>& nodes() const { return nodes_; }
    [[nodiscard]] bool has_edges() const { return edges_; }
    // All that depend on it, directly or through others, with their distance from it, from 1.
    [[nodiscard]] std::map<std::string, int> dependents(const std::string& key) const;
    // All that it depends on, likewise.
    [[nodiscard]] std::map<std::string, int> dependencies(const std::string& key) const;
    // Whether one of them depends on the other, directly or through others.
    [[nodiscard]] bool on_one_path(const std::string& a, const std::string& b) const;

private:
    void connect(const std::string& from, const std::string& to);
    [[nodiscard]] std::vector<std::string> keys_of(const std::string& name,
                                                   const std::string& project) const;
    [[nodiscard]] std::map<std::string, int> walk(const std::string& key,
                                                  std::set<std::string> Node::* edges) const;

    std::map<std::string, Node> nodes_;
    bool edges_ = false;
};

}  // namespace chaos::safety
