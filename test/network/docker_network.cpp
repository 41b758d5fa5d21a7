#include "test/network/docker_network.h"

#include <atomic>

namespace chaos::test {

DockerNetwork::DockerNetwork() {
    static std::atomic<int> counter{0};
    name_ = "net" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    const auto made = run_program({"docker", "-H", shared_engine(), "network", "create", name_});
    if (made.exit_code != 0) throw std::runtime_error("docker network create: " + made.out);
}

DockerNetwork::~DockerNetwork() {
    run_program({"docker", "-H", shared_engine(), "network", "rm", name_});
}

std::string NetworkBed::start(const std::string& name) {
    auto full = c.start(name, {.network = network.name()});
    const bool up = until([&] {
        return in(full, {"ip", "-o", "link", "show", "eth0"}).out.find("state UP") !=
               std::string::npos;
    });
    if (!up) throw std::runtime_error(full + ": no carrier");
    return full;
}

Finished NetworkBed::in(const std::string& container, std::vector<std::string> program) const {
    const auto pid = c.inspect(container, "{{.State.Pid}}");
    program.insert(program.begin(), {"nsenter", "--net=/proc/" + pid + "/ns/net"});
    return run_program(program);
}

std::string NetworkBed::address(const std::string& container) const {
    return c.inspect(container,
                     "{{(index .NetworkSettings.Networks \"" + network.name() + "\").IPAddress}}");
}

bool NetworkBed::reaches(const std::string& from, const std::string& to) const {
    return in(from, {"ping", "-n", "-q", "-c", "1", "-W", "1", address(to)}).exit_code == 0;
}

std::string NetworkBed::dump(const std::string& container) const {
    return without_counts(in(container, {"tc", "qdisc", "show"}).out) +
           in(container, {"nft", "list", "tables"}).out + in(container, {"ip", "-o", "link"}).out;
}

bool NetworkBed::clean(const std::string& container) const {
    const auto text = dump(container);
    return text.find("chaos") == std::string::npos && text.find("c4a0:") == std::string::npos;
}

}  // namespace chaos::test
