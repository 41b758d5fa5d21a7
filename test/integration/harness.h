// A real engine, a real controller, and conditions with deadlines.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "controller/api/time.h"
#include "controller/manifest/node.h"
#include "test/support/temp_dir.h"

namespace chaos::test {

using namespace std::chrono_literals;

// How much longer than on a machine of its own everything may take: in the lab, which is emulated.
[[nodiscard]] int slowness();

// Looks every few milliseconds until the condition holds; false after the deadline.
[[nodiscard]] bool until(const std::function<bool()>& condition, Duration deadline = 20s);

// A measurement that is off by chance once in some hundred times (three standard deviations, or an
// emulated machine that was held up) is made once more; one that is wrong is wrong twice.
inline bool measured(const std::function<bool()>& within) { return within() || within(); }

struct Finished {
    int exit_code = -1;  // 128 + signal where one ended it
    std::string out;     // standard output and error
};

// Runs a program to its end, without a shell.
Finished run_program(const std::vector<std::string>& argv);

// Starts a program and leaves it running; its output is thrown away.
pid_t spawn_program(const std::vector<std::string>& argv);
void end_program(pid_t pid);

// A TCP port of the loopback interface that nobody listens on at the moment.
[[nodiscard]] int free_port();

// What a process has in memory now (VmRSS); 0 where there is none.
[[nodiscard]] double resident_megabytes(int pid);

// CPU time it has used; counted in ticks of 10 ms.
[[nodiscard]] double cpu_seconds(int pid);

// The engine that the tests share: test/run.sh starts it and names it in CHAOS_TEST_DOCKER.
[[nodiscard]] std::string shared_engine();

// Containers on one engine, named for one test and removed after it.
class Containers {
public:
    explicit Containers(std::string docker_host = shared_engine());
    Containers(const Containers&) = delete;
    Containers& operator=(const Containers&) = delete;
    ~Containers();

    struct Options {
        std::string service;  // Compose's label; empty: none
        bool health_check = false;
        std::string restart = "always";
        std::string network = "none";
        std::vector<std::string> labels;
        std::vector<std::string> options;  // more for docker run
        std::vector<std::string> command;  // instead of idling
    };
    // Starts a container that idles; its full name is prefix + name. Healthy where it has a check.
    std::string start(const std::string& name, const Options& options);
    std::string start(const std::string& name) { return start(name, Options{}); }

    std::string docker(std::vector<std::string> arguments) const;  // throws on an error
    [[nodiscard]] std::string inspect(const std::string& name, const std::string& format) const;
    [[nodiscard]] bool paused(const std::string& name) const;
    [[nodiscard]] int restarts(const std::string& name) const;
    [[nodiscard]] const std::string& host() const { return host_; }
    [[nodiscard]] const std::string& prefix() const { return prefix_; }

private:
    std::string host_;
    std::string prefix_;
    std::vector<std::string> names_;
};

// A directory of manifests, a state directory, and the controller on them.
class Lab {
public:
    explicit Lab(const Containers& containers) : host_(containers.host()) { make_directories(); }
    explicit Lab(std::string docker_host) : host_(std::move(docker_host)) { make_directories(); }
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;
    ~Lab();

    // Starts the controller and waits until it is ready (or, without `ready`, until it listens).
    void start(const std::vector<std::string>& more = {}, bool ready = true);
    // For one that cannot start: its exit code.
    [[nodiscard]] int fail_to_start(const std::vector<std::string>& more) const;
    // Ends it; returns the exit code, or 128 + the signal that ended it.
    int stop(int signal);
    // Put before the command of the controller: a program and its arguments, or environment
    // settings behind "env".
    std::vector<std::string> wrapper;
    [[nodiscard]] bool running() const { return pid_ > 0; }
    [[nodiscard]] int pid() const { return pid_; }
    // Of one that ends by itself, or else is killed: its exit code, or 128 + signal.
    int wait_for_end();
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] std::string log() const { return read_text(dir_ / "controller.log"); }
    [[nodiscard]] std::string http(const std::string& path) const;  // the whole reply

    // Writes the configuration: lenient gates, `more` below them, `safety` ("a: b, c: d") among
    // them.
    void configure(const std::string& more, const std::string& safety = {}) const;
    void write(const std::string& name, const std::string& text) const;  // by rename
    void remove(const std::string& name) const;

    [[nodiscard]] manifest::Node status(const std::string& name) const;
    [[nodiscard]] std::string phase(const std::string& name) const;
    [[nodiscard]] std::string field(const std::string& name, const std::string& key) const;
    [[nodiscard]] std::string condition(const std::string& name, const std::string& type) const;
    // A key of the evidence of the experiment's first fault; "" where it is not there.
    [[nodiscard]] std::string evidence(const std::string& name, const std::string& key) const;
    // Waits for a phase; throws, with status and log, where it does not come.
    void expect_phase(const std::string& name, const std::string& wanted,
                      Duration deadline = 20s) const;
    [[nodiscard]] std::vector<std::string> targets(const std::string& name) const;

    [[nodiscard]] Finished ctl(std::vector<std::string> arguments) const;
    [[nodiscard]] std::string manifests() const { return dir_ / "manifests"; }
    [[nodiscard]] const TempDir& dir() const { return dir_; }

private:
    void make_directories() const;
    [[nodiscard]] std::vector<std::string> controller_command(
        const std::vector<std::string>& more) const;
    [[nodiscard]] pid_t spawn_controller(const std::vector<std::string>& more) const;

    TempDir dir_;
    std::string host_;
    std::string address_;
    pid_t pid_ = -1;
};

// Processes whose arguments are those of a guard of this lab, zombies left out.
[[nodiscard]] std::vector<int> guards_of(const Lab& lab);

// What most tests begin with: a container that idles, and a controller.
struct Bed {
    Bed() { lab.start(); }

    Containers c;
    const std::string web = c.start("web");
    Lab lab{c};
};

// A target of spec.targets, by container name.
[[nodiscard]] std::string by_name(const std::string& name);

// Manifests in one line.
[[nodiscard]] std::string experiment(const std::string& name, const std::string& targets,
                                     const std::string& actions, const std::string& more = "");

}  // namespace chaos::test
