// A network of containers, and what happens on it.
#pragma once

#include "test/integration/harness.h"
#include "test/network/pair.h"

namespace chaos::test {

// Removed after its containers, so it must be made before them.
class DockerNetwork {
public:
    DockerNetwork();
    DockerNetwork(const DockerNetwork&) = delete;
    DockerNetwork& operator=(const DockerNetwork&) = delete;
    ~DockerNetwork();

    [[nodiscard]] const std::string& name() const { return name_; }

private:
    std::string name_;
};

// Three containers on a network, and a controller.
struct NetworkBed {
    NetworkBed() { lab.start(); }

    std::string start(const std::string& name);

    // A program in the container's network namespace.
    [[nodiscard]] Finished in(const std::string& container, std::vector<std::string> program) const;
    [[nodiscard]] std::string address(const std::string& container) const;
    // Whether one ping comes back.
    [[nodiscard]] bool reaches(const std::string& from, const std::string& to) const;
    // Qdiscs, rules and interfaces of its namespace, and whether any of them is ours.
    [[nodiscard]] std::string dump(const std::string& container) const;
    [[nodiscard]] bool clean(const std::string& container) const;

    DockerNetwork network;
    Containers c;
    const std::string web = start("web");
    const std::string db = start("db");
    const std::string cache = start("cache");
    Lab lab{c};
};

}  // namespace chaos::test
