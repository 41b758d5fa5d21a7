// A container under stress, and what it uses.
#pragma once

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/host.h"
#include "test/integration/harness.h"

namespace chaos::test {

// What is used in a container's control groups, and which stressors are in them.
class Watched {
public:
    Watched(const Containers& containers, std::string name)
        : containers_(containers), name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int pid() const;
    [[nodiscard]] stress::Cgroup cgroup() const;
    [[nodiscard]] double mebibytes() const;
    // CPUs used on average over that time.
    [[nodiscard]] double cpus(Duration over) const;
    // The host PIDs of stressors, told by their name and control group.
    [[nodiscard]] std::vector<int> stressors() const;
    // Bytes that are free on the container's root file system.
    [[nodiscard]] std::int64_t free_space() const;

private:
    const Containers& containers_;
    std::string name_;
};

// A container and a controller.
struct StressBed {
    explicit StressBed(std::vector<std::string> limits = {"--cpus", "0.5", "--memory", "128m"})
        : web(c, c.start("web", {.options = std::move(limits)})) {
        lab.start();
    }

    // Applies one action and waits until it runs.
    void apply(const std::string& name, const std::string& action) const {
        lab.write(name + ".yaml", experiment(name, by_name(web.name()), action));
        lab.expect_phase(name, "Running");
    }
    void remove(const std::string& name) const {
        lab.remove(name + ".yaml");
        lab.expect_phase(name, "Aborted");
    }

    Containers c;
    Watched web;
    Lab lab{c};
};

}  // namespace chaos::test
