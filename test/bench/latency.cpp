// How fast a change of a file or of a container becomes an effect.
#include <sys/poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "test/bench/figures.h"
#include "test/integration/harness.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

// They take turns: one that lives 10 s before it is killed again is restarted after 100 ms, one
// that does not waits twice as long each time (Docker's restart backoff).
constexpr int kContainers = 60;

// Waits for the end of a process that is no child of ours.
class ProcessEnd {
public:
    explicit ProcessEnd(int pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
        if (fd_ < 0) throw std::runtime_error("pidfd_open");
    }
    ProcessEnd(const ProcessEnd&) = delete;
    ProcessEnd& operator=(const ProcessEnd&) = delete;
    ~ProcessEnd() { ::close(fd_); }

    Steady::time_point wait() const {
        pollfd poll{fd_, POLLIN, 0};
        if (::poll(&poll, 1, 10'000) != 1) throw std::runtime_error("the process does not end");
        return Steady::now();
    }

private:
    int fd_;
};

std::vector<std::string> start_all(Containers& containers) {
    std::vector<std::string> names;
    for (int i = 0; i < kContainers; ++i)
        names.push_back(containers.start("b" + std::to_string(i)));
    return names;
}

int pid_of(const Containers& containers, const std::string& name) {
    int pid = 0;
    const bool runs = until([&] {
        pid = std::stoi(containers.inspect(name, "{{.State.Pid}}"));
        return pid > 0;
    });
    if (!runs) throw std::runtime_error(name + " does not run");
    return pid;
}

// The kernel's own word on whether a container is frozen: cgroup v1's freezer.state or v2's
// cgroup.events, found by /proc/PID/cgroup.
class Freezer {
public:
    explicit Freezer(int pid) {
        std::istringstream lines{read_text("/proc/" + std::to_string(pid) + "/cgroup")};
        for (std::string line; std::getline(lines, line);) {
            const auto path = line.substr(line.rfind(':') + 1);
            if (line.find(":freezer:") != std::string::npos) {
                file_ = "/sys/fs/cgroup/freezer" + path + "/freezer.state";
            } else if (line.starts_with("0::") && file_.empty()) {
                file_ = "/sys/fs/cgroup" + path + "/cgroup.events";
            }
        }
    }
    [[nodiscard]] bool frozen() const {
        const auto text = read_text(file_);
        return text.starts_with("FROZEN") || text.find("frozen 1") != std::string::npos;
    }

private:
    std::string file_;
};

}  // namespace

// From the rename of a manifest into place to the end of the container's process, as the kernel
// reports it through a pidfd.
std::vector<Figure> manifest_to_kill(int samples) {
    Containers containers;
    const auto names = start_all(containers);
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    Figure figure{"manifest written -> process killed", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto& target = names[static_cast<std::size_t>(i % kContainers)];
        const ProcessEnd end{pid_of(containers, target)};
        const auto name = "kill-" + std::to_string(i);
        const auto text = experiment(name, by_name(target), "{type: container_kill}");
        const auto start = Steady::now();
        lab.write(name + ".yaml", text);
        figure.samples.push_back(milliseconds(end.wait() - start));
        lab.expect_phase(name, "Completed");
        lab.remove(name + ".yaml");
    }
    return {figure};
}

// From the removal of a manifest to the kernel's word that the container is thawed; 50 ms of it are
// the second look.
std::vector<Figure> deletion_to_thaw(int samples) {
    Containers containers;
    const auto names = start_all(containers);
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    Figure figure{"manifest deleted -> unpaused", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto& target = names[static_cast<std::size_t>(i % kContainers)];
        const Freezer freezer{pid_of(containers, target)};
        const auto name = "pause-" + std::to_string(i);
        lab.write(name + ".yaml", experiment(name, by_name(target), "{type: container_pause}"));
        lab.expect_phase(name, "Running");
        if (!freezer.frozen()) throw std::runtime_error(target + " is not frozen");
        const auto start = Steady::now();
        lab.remove(name + ".yaml");
        while (freezer.frozen()) std::this_thread::yield();
        figure.samples.push_back(milliseconds(Steady::now() - start));
        lab.expect_phase(name, "Aborted");
    }
    return {figure};
}

// A container that is to stay stopped is started behind the controller's back: from Docker's
// StartedAt to the injection that stops it again.
std::vector<Figure> start_to_reconciled(int samples) {
    Containers containers;
    const auto target = containers.start("restless", {.restart = "no"});
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    auto text =
        experiment("stop", by_name(target), "{type: container_stop, parameters: {grace: 0s}}");
    text.replace(text.find("duration: 5m"), 12, "duration: 30m");
    lab.write("stop.yaml", text);
    lab.expect_phase("stop", "Running");
    Figure figure{"container started -> fault present again", "ms", {}};
    const auto injected_at = [&] {
        const auto status = lab.status("stop");
        const auto* targets = status.find("targets");
        if (targets == nullptr || targets->items.empty()) return std::string{};
        return targets->items[0].find("faults")->items.at(0).text_at("injected_at");
    };
    for (int i = 0; i < samples; ++i) {
        const auto before = injected_at();
        containers.docker({"start", target});
        if (!until([&] { return injected_at() != before && !injected_at().empty(); })) {
            throw std::runtime_error("not stopped again");
        }
        const auto started = parse_time(containers.inspect(target, "{{.State.StartedAt}}"));
        const auto stopped = parse_time(injected_at());
        // The status has milliseconds; what it cuts off makes the figure look better by half of one
        // on average, which is added back.
        figure.samples.push_back(
            std::chrono::duration<double, std::milli>(*stopped - *started).count() + 0.5);
        if (!until([&] { return containers.inspect(target, "{{.State.Running}}") == "false"; })) {
            throw std::runtime_error("still running");
        }
    }
    lab.remove("stop.yaml");
    return {figure};
}

}  // namespace chaos::bench
