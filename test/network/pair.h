// Two network namespaces with a cable between them.
#pragma once

#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>

#include "reconcilers/network/namespace.h"
#include "test/integration/harness.h"

namespace chaos::test {

// Two ends of a veth, each in a namespace.
class Pair {
public:
    Pair() : a_(unique("chaos-a")), b_(unique("chaos-b")) {
        ip({"netns", "add", a_});
        ip({"netns", "add", b_});
        ip({"-n", a_, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b_});
        for (const auto* end : {"1", "3"}) address(a_, end);
        for (const auto* end : {"2", "4"}) address(b_, end);
        ip({"-n", a_, "link", "set", "eth0", "up"});
        ip({"-n", b_, "link", "set", "eth0", "up"});
        // The kernel tells of a carrier some time after it is there, and only then takes the
        // queueing discipline that a dump is to show.
        if (!until([&] { return is_up(a_) && is_up(b_); })) throw std::runtime_error("no carrier");
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        run_program({"ip", "netns", "del", a_});
        run_program({"ip", "netns", "del", b_});
    }

    // Runs in the first namespace, or in the second.
    void in_a(const std::function<void()>& work) const { in(a_, work); }
    void in_b(const std::function<void()>& work) const { in(b_, work); }
    // A program in the first namespace, or in the second.
    [[nodiscard]] Finished a(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"ip", "netns", "exec", a_});
        return run_program(arguments);
    }
    [[nodiscard]] Finished b(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"ip", "netns", "exec", b_});
        return run_program(arguments);
    }
    [[nodiscard]] std::string tc(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "tc");
        return a(arguments).out;
    }
    // The average round trip of some pings, in milliseconds, and how many came back.
    struct Ping {
        int received = 0;
        double average = 0;
    };
    [[nodiscard]] Ping ping(int count, const std::string& to = "10.77.0.2",
                            const std::string& interval = "0.02") const {
        const auto out =
            a({"ping", "-n", "-q", "-i", interval, "-W", "1", "-c", std::to_string(count), to}).out;
        Ping result;
        if (const auto at = out.find("transmitted, "); at != std::string::npos) {
            result.received = std::stoi(out.substr(at + 13));
        }
        if (const auto at = out.find(" = "); at != std::string::npos) {
            result.average = std::stod(out.substr(out.find('/', at) + 1));
        }
        return result;
    }

private:
    static std::string unique(const std::string& name) {
        static std::atomic<int> counter{0};
        return name + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    }
    static void in(const std::string& name, const std::function<void()>& work) {
        const auto space = network::Namespace::open("/run/netns/" + name);
        if (!space) throw std::runtime_error(space.error().context);
        if (const auto entered = space->run(work); !entered) {
            throw std::runtime_error(entered.error().context);
        }
    }
    static bool is_up(const std::string& space) {
        const auto shown = run_program({"ip", "-n", space, "-o", "link", "show", "eth0"}).out;
        return shown.find("state UP") != std::string::npos;
    }
    static void address(const std::string& space, const std::string& end) {
        ip({"-n", space, "addr", "add", "10.77.0." + end + "/24", "dev", "eth0"});
        ip({"-n", space, "addr", "add", "fd77::" + end + "/64", "dev", "eth0", "nodad"});
    }
    static void ip(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "ip");
        const auto done = run_program(arguments);
        if (done.exit_code != 0) throw std::runtime_error(done.out);
    }
    std::string a_;
    std::string b_;
};

// What tc shows, less what counts packets.
inline std::string without_counts(std::string shown) {
    constexpr std::string_view kCount = "direct_packets_stat ";
    for (auto at = shown.find(kCount); at != std::string::npos; at = shown.find(kCount, at)) {
        shown.erase(at, shown.find(' ', at + kCount.size()) - at);
    }
    return shown;
}

}  // namespace chaos::test
