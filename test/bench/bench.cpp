// The figures of specification section 13, measured against a real engine. Prints a table and, with
// --json FILE, the same for programs. Every figure has its samples in one run of one controller.
#include <sys/poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "controller/json/json.h"
#include "test/integration/harness.h"

namespace {

using namespace chaos;
using namespace chaos::test;
using Steady = std::chrono::steady_clock;

struct Figure {
    std::string name;
    std::string unit;
    std::vector<double> samples;
};

double percentile(std::vector<double> samples, double p) {
    if (samples.empty()) return std::nan("");
    std::ranges::sort(samples);
    // Nearest rank: the smallest sample that at least p of all do not exceed.
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(samples.size())));
    return samples[std::max<std::size_t>(rank, 1) - 1];
}

double milliseconds(Steady::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

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

std::string kill_manifest(const std::string& name, const std::string& target) {
    return experiment(name, "{service: " + target + "}", "{type: container_kill}");
}

// From the rename of a manifest into place to the end of the container's process, as the kernel
// reports it through a pidfd. Containers take turns, so that Docker's restart backoff stays short.
Figure manifest_to_kill(Containers& containers, Lab& lab, int samples) {
    constexpr int kContainers = 20;
    std::vector<std::string> names;
    for (int i = 0; i < kContainers; ++i)
        names.push_back(containers.start("k" + std::to_string(i)));
    Figure figure{"manifest written -> process killed", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto& target = names[static_cast<std::size_t>(i % kContainers)];
        int pid = 0;
        const bool runs = until([&] {
            pid = std::stoi(containers.inspect(target, "{{.State.Pid}}"));
            return pid > 0;
        });
        if (!runs) throw std::runtime_error(target + " does not run");
        const ProcessEnd end{pid};
        const auto name = "kill-" + std::to_string(i);
        const auto text = kill_manifest(name, target);
        const auto start = Steady::now();
        lab.write(name + ".yaml", text);
        figure.samples.push_back(milliseconds(end.wait() - start));
        lab.expect_phase(name, "Completed");
        lab.remove(name + ".yaml");
    }
    return figure;
}

void print_table(const std::vector<Figure>& figures) {
    std::printf("%-40s %8s %10s %10s %10s %10s %10s\n", "figure", "samples", "min", "median", "p90",
                "p99", "max");
    for (const auto& f : figures) {
        std::printf("%-40s %8zu", f.name.c_str(), f.samples.size());
        for (const double p : {0.0, 0.5, 0.9, 0.99, 1.0}) {
            std::printf(" %7.2f %s", percentile(f.samples, p), f.unit.c_str());
        }
        std::printf("\n");
    }
}

void write_json(const std::string& path, const std::vector<Figure>& figures) {
    json::Writer out{json::Writer::Style::kPretty};
    out.begin_array();
    for (const auto& f : figures) {
        out.begin_object();
        out.key("name").value(std::string_view{f.name}).key("unit").value(std::string_view{f.unit});
        out.key("median").value(percentile(f.samples, 0.5));
        out.key("p99").value(percentile(f.samples, 0.99));
        out.key("samples").begin_array();
        for (const double sample : f.samples) out.value(sample);
        out.end_array().end_object();
    }
    out.end_array();
    std::ofstream{path} << out.text() << '\n';
}

int run(int argc, char** argv) {
    int samples = 100;
    std::string json_path;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string option = argv[i];
        if (option == "--samples") samples = std::stoi(argv[i + 1]);
        if (option == "--json") json_path = argv[i + 1];
    }
    if (shared_engine().empty()) throw std::runtime_error("CHAOS_TEST_DOCKER names no engine");
    Containers containers;
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    const std::vector<Figure> figures{manifest_to_kill(containers, lab, samples)};
    print_table(figures);
    if (!json_path.empty()) write_json(json_path, figures);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "bench: " << error.what() << '\n';
        return 1;
    }
}
