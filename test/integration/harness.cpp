#include "test/integration/harness.h"
#include "test/support/paths.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "controller/manifest/yaml.h"

namespace chaos::test {
namespace {

const std::string kBin = bin_dir();

std::vector<char*> c_strings(const std::vector<std::string>& argv) {
    std::vector<char*> result;
    for (const auto& argument : argv)
        result.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
    result.push_back(nullptr);
    return result;
}

pid_t spawn(const std::vector<std::string>& argv, int output) {
    auto arguments = c_strings(argv);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Tests and the benchmark share this: a failure is an exception, which Catch2 reports as one.
void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

std::string last_of(const std::string& log) {
    constexpr std::size_t kShown = 4000;
    return log.size() <= kShown ? log : "…" + log.substr(log.size() - kShown);
}

std::string trimmed(std::string text) {
    while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
    return text;
}

}  // namespace

int slowness() {
    const char* text = std::getenv("CHAOS_SLOWNESS");
    return text == nullptr ? 1 : std::max(1, std::atoi(text));
}

bool until(const std::function<bool()>& condition, Duration deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline * slowness();
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

Finished run_program(const std::vector<std::string>& argv) {
    std::array<int, 2> ends{};
    require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
    const pid_t pid = spawn(argv, ends[1]);
    ::close(ends[1]);
    Finished result;
    std::array<char, 65536> buffer{};
    for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
        result.out.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    result.exit_code = code_of(status);
    return result;
}

pid_t spawn_program(const std::vector<std::string>& argv) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    auto in_session = argv;
    in_session.insert(in_session.begin(), "setsid");  // execs: the process id stays
    const pid_t pid = spawn(in_session, nowhere);
    ::close(nowhere);
    return pid;
}

void end_program(pid_t pid) {
    ::kill(-pid, SIGKILL);  // its children too: see setsid in spawn_program
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

int free_port() {
    boost::asio::io_context io;
    const boost::asio::ip::tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
    return acceptor.local_endpoint().port();
}

double resident_megabytes(int pid) {
    std::istringstream lines{read_text("/proc/" + std::to_string(pid) + "/status")};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
    }
    return 0;
}

double cpu_seconds(int pid) {
    const auto stat = read_text("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields{stat.substr(stat.rfind(')') + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;  // state … cmajflt; utime and stime follow
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string shared_engine() {
    const char* host = std::getenv("CHAOS_TEST_DOCKER");
    return host == nullptr ? std::string{} : host;
}

Containers::Containers(std::string docker_host) : host_(std::move(docker_host)) {
    static std::atomic<int> counter{0};
    prefix_ = "t" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-";
}

Containers::~Containers() {
    if (names_.empty()) return;
    std::vector<std::string> argv{"docker", "-H", host_, "rm", "-f"};
    argv.insert(argv.end(), names_.begin(), names_.end());
    run_program(argv);
}

std::string Containers::docker(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"docker", "-H", host_});
    const auto result = run_program(arguments);
    require(result.exit_code == 0, "docker " + arguments[3] + ": " + result.out);
    return trimmed(result.out);
}

std::string Containers::start(const std::string& name, const Options& options) {
    const auto full = prefix_ + name;
    std::vector<std::string> argv{"run",           "-d",        "--name",       full, "--network",
                                  options.network, "--restart", options.restart};
    if (!options.service.empty()) {
        argv.insert(argv.end(), {"--label", "com.docker.compose.service=" + options.service});
    }
    for (const auto& label : options.labels) argv.insert(argv.end(), {"--label", label});
    if (options.health_check) {
        argv.insert(argv.end(), {"--health-cmd", "test ! -e /tmp/sick", "--health-interval",
                                 "500ms", "--health-retries", "1"});
    }
    argv.insert(argv.end(), options.options.begin(), options.options.end());
    if (!options.command.empty()) {
        argv.insert(argv.end(), {"--entrypoint", options.command[0]});
    }
    argv.emplace_back("chaos-test:1");
    if (!options.command.empty()) {
        argv.insert(argv.end(), options.command.begin() + 1, options.command.end());
    }
    docker(argv);
    names_.push_back(full);
    if (options.health_check) {
        require(until([&] { return inspect(full, "{{.State.Health.Status}}") == "healthy"; }),
                full + " does not become healthy");
    }
    return full;
}

std::string Containers::inspect(const std::string& name, const std::string& format) const {
    return docker({"inspect", "--format", format, name});
}

bool Containers::paused(const std::string& name) const {
    return inspect(name, "{{.State.Paused}}") == "true";
}

int Containers::restarts(const std::string& name) const {
    return std::stoi(inspect(name, "{{.RestartCount}}"));
}

void Lab::make_directories() const {
    std::filesystem::create_directory(manifests());
    configure("");
}

// The tests share a host and an engine, and some make them busy and ill: gates are for the tests
// that are about gates.
void Lab::configure(const std::string& more, const std::string& safety) const {
    std::ofstream{dir_ / "config.tmp"}
        << "global: {max_concurrent_experiments: 1000}\nsafety: {min_healthy_services: 0, "
           "max_cpu_usage: 100, max_memory_usage: 100"
        << (safety.empty() ? "" : ", ") << safety << "}\n"
        << more;
    std::filesystem::rename(dir_ / "config.tmp", dir_ / "config.yaml");
}

Lab::~Lab() {
    if (running()) stop(SIGTERM);
}

std::vector<std::string> Lab::controller_command(const std::vector<std::string>& more) const {
    std::vector<std::string> argv{kBin + "/chaos-controller",
                                  "--manifests",
                                  manifests(),
                                  "--config",
                                  dir_ / "config.yaml",
                                  "--state-dir",
                                  dir_ / "state",
                                  "--docker-host",
                                  host_,
                                  "--listen",
                                  "127.0.0.1:0",
                                  "--log-level",
                                  "debug"};
    argv.insert(argv.end(), more.begin(), more.end());
    argv.insert(argv.begin(), wrapper.begin(), wrapper.end());
    return argv;
}

pid_t Lab::spawn_controller(const std::vector<std::string>& more) const {
    const int log_file =
        ::open((dir_ / "controller.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t pid = spawn(controller_command(more), log_file);
    ::close(log_file);
    return pid;
}

int Lab::fail_to_start(const std::vector<std::string>& more) const {
    const pid_t pid = spawn_controller(more);
    int status = 0;
    require(until([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }), "it does not end");
    return WEXITSTATUS(status);
}

void Lab::start(const std::vector<std::string>& more, bool ready) {
    require(!running(), "the controller runs already");
    const auto before = log().size();
    pid_ = spawn_controller(more);
    const bool listens = until([&] {
        const auto text = log().substr(before);
        const auto at = text.find("listening address=");
        if (at == std::string::npos) return false;
        address_ = text.substr(at + 18, text.find(' ', at + 18) - at - 18);
        return text.find('\n', at) != std::string::npos;
    });
    require(listens, "the controller does not listen:\n" + log());
    if (!ready) return;
    const bool came = until([&] { return http("/readyz").starts_with("HTTP/1.1 200"); });
    require(came, "the controller does not become ready:\n" + log());
}

int Lab::stop(int signal) {
    ::kill(pid_, signal);
    return wait_for_end();
}

int Lab::wait_for_end() {
    int status = 0;
    const bool ended = until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 40s);
    if (!ended) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    return code_of(status);
}

std::string Lab::http(const std::string& path) const {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket{io};
    const auto port =
        static_cast<unsigned short>(std::stoi(address_.substr(address_.rfind(':') + 1)));
    boost::system::error_code ec;
    socket.connect({boost::asio::ip::address_v4::loopback(), port}, ec);
    if (ec) return ec.message();
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(request), ec);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), ec);
    return answer;
}

void Lab::write(const std::string& name, const std::string& text) const {
    dir_.write("manifests/." + name + ".new", text);
    std::filesystem::rename(dir_ / ("manifests/." + name + ".new"), dir_ / ("manifests/" + name));
}

void Lab::remove(const std::string& name) const {
    std::filesystem::remove(dir_ / ("manifests/" + name));
}

manifest::Node Lab::status(const std::string& name) const {
    auto documents = manifest::load_yaml(read_text(manifests() + "/" + name + ".status.yaml"));
    if (documents.size() != 1 || !documents[0].ok()) return {};
    const auto* body = documents[0].root.find("status");
    return body == nullptr ? manifest::Node{} : *body;
}

std::string Lab::field(const std::string& name, const std::string& key) const {
    return status(name).text_at(key);
}

std::string Lab::phase(const std::string& name) const { return field(name, "phase"); }

std::string Lab::condition(const std::string& name, const std::string& type) const {
    const auto body = status(name);
    const auto* list = body.find("conditions");
    if (list == nullptr) return "absent";
    for (const auto& c : list->items) {
        if (c.text_at("type") == type) return c.text_at("status") + " " + c.text_at("reason");
    }
    return "absent";
}

std::string Lab::evidence(const std::string& name, const std::string& key) const {
    const auto body = status(name);
    const auto* targets = body.find("targets");
    if (targets == nullptr || targets->items.empty()) return {};
    const auto* faults = targets->items[0].find("faults");
    if (faults == nullptr || faults->items.empty()) return {};
    const auto* evidence = faults->items[0].find("evidence");
    return evidence == nullptr ? std::string{} : evidence->text_at(key);
}

void Lab::expect_phase(const std::string& name, const std::string& wanted,
                       Duration deadline) const {
    const bool came = until([&] { return phase(name) == wanted; }, deadline);
    require(came && phase(name) == wanted,
            "no phase " + wanted + ":\n" + read_text(manifests() + "/" + name + ".status.yaml") +
                last_of(log()));
}

std::vector<std::string> Lab::targets(const std::string& name) const {
    std::vector<std::string> names;
    const auto body = status(name);
    if (const auto* list = body.find("targets")) {
        for (const auto& target : list->items) names.push_back(target.text_at("name"));
    }
    return names;
}

Finished Lab::ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {kBin + "/chaosctl", "--manifests", manifests(),
                                         "--docker-host", host_, "--state-dir", dir_ / "state"});
    return run_program(arguments);
}

std::string by_name(const std::string& name) { return "{service: " + name + "}"; }

std::vector<int> guards_of(const Lab& lab) {
    std::vector<int> pids;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        const auto name = entry.path().filename().string();
        int pid = 0;
        const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (ec != std::errc{} || *end != '\0') continue;
        const auto arguments = read_text(entry.path().string() + "/cmdline");
        if (arguments.find(std::string{"guard\0", 6}) != std::string::npos &&
            arguments.find(lab.dir().path() + "/state") != std::string::npos) {
            pids.push_back(pid);
        }
    }
    return pids;
}

std::string experiment(const std::string& name, const std::string& targets,
                       const std::string& actions, const std::string& more) {
    return "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata: {name: " + name +
           "}\nspec:\n  duration: 5m\n  targets: [" + targets +
           "]\n  scenarios: [{name: s, actions: [" + actions + "]}]\n" + more;
}

}  // namespace chaos::test
