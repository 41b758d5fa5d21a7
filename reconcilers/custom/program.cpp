#include "reconcilers/custom/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "reconcilers/container/descriptor.h"

namespace chaos::custom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kLookIfGivenUp = std::chrono::milliseconds{50};
constexpr int kMostReads = 32;

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(ErrorCode::kUnavailable, std::string{"pipe: "} + std::strerror(errno));
    }
    return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));  // NOLINT
    result.push_back(nullptr);
    return result;
}

// In the child, between fork and exec: nothing but system calls. Tells why it failed through
// `report`, which a successful exec closes.
[[noreturn]] void become(char* const* argv, char* const* environment, int in, int out, int report,
                         pid_t parent, const rlimit* files) {
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const bool orphan = ::getppid() != parent;
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::dup2(report, 3);
    ::fcntl(3, F_SETFD, FD_CLOEXEC);
    ::syscall(SYS_close_range, 4U, ~0U, 0U);
    ::setrlimit(RLIMIT_NOFILE, files);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    if (::chdir("/") == 0 && !orphan) ::execve(argv[0], argv, environment);
    const int why = errno;
    [[maybe_unused]] const auto told = ::write(3, &why, sizeof why);
    ::_exit(127);
}

std::string printable(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte >= 0x7f) c = '?';
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

// A started program, from outside.
class Child {
public:
    Child(pid_t pid, Descriptor pidfd, Descriptor in, Descriptor out)
        : pid_(pid), pidfd_(std::move(pidfd)), in_(std::move(in)), out_(std::move(out)) {
        ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
        ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    }

    // Feeds it and reads it until it has ended; false after the deadline, or when it is given up.
    bool attend(std::string_view input, Clock::time_point deadline,
                const std::atomic<bool>* given_up) {
        for (;;) {
            const auto left = deadline - Clock::now();
            if (left <= Duration{0} || (given_up != nullptr && *given_up)) return false;
            std::array<pollfd, 3> wait{pollfd{pidfd_.get(), POLLIN, 0},
                                       pollfd{out_.get(), POLLIN, 0},
                                       pollfd{in_.get(), POLLOUT, 0}};
            const auto pause = std::chrono::ceil<std::chrono::milliseconds>(
                std::min<Duration>(left, kLookIfGivenUp));
            if (::poll(wait.data(), wait.size(), static_cast<int>(pause.count())) < 0 &&
                errno != EINTR) {
                return false;
            }
            if (wait[2].revents != 0) feed(input);
            if (wait[1].revents != 0) drain();
            if (wait[0].revents != 0) {
                drain();
                return true;
            }
        }
    }

    // Ends it with what it has started. The number stays taken until it is waited for below.
    void end() const { ::kill(-pid_, SIGKILL); }

    int wait_for_status() const {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        return status;
    }

    [[nodiscard]] std::string output() const { return printable(output_); }

private:
    void feed(std::string_view& input) {
        const auto n = input.empty() ? 0 : ::write(in_.get(), input.data(), input.size());
        if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
        // All of it, or nobody reads it any more.
        if (input.empty() || (n < 0 && errno != EAGAIN)) in_ = Descriptor{};
    }

    // What is there; of one that writes without end not all, so that its time is looked at.
    void drain() {
        std::array<char, 4096> chunk{};
        for (int i = 0; i < kMostReads; ++i) {
            const auto n = ::read(out_.get(), chunk.data(), chunk.size());
            if (n == 0) out_ = Descriptor{};
            if (n <= 0) return;
            const auto room = kMaxOutput - std::min(kMaxOutput, output_.size());
            output_.append(chunk.data(), std::min(room, static_cast<std::size_t>(n)));
        }
    }

    pid_t pid_;
    Descriptor pidfd_;
    Descriptor in_;
    Descriptor out_;
    std::string output_;
};

Result<Child> start(const Request& request) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto report = make_pipe();
    for (const auto* made : {&in, &out, &report}) {
        if (!*made) return std::unexpected(made->error());
    }
    const auto argv = pointers(request.argv);
    const auto environment = pointers(request.environment);
    // The soft limit that programs expect; ours is higher.
    constexpr rlim_t kUsualFiles = 1024;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min(files.rlim_max, kUsualFiles);
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        become(argv.data(), environment.data(), in->read.get(), out->write.get(),
               report->write.get(), self, &files);
    }
    if (pid < 0) return fail(ErrorCode::kUnavailable, std::string{"fork: "} + std::strerror(errno));
    report->write = Descriptor{};
    in->read = Descriptor{};
    out->write = Descriptor{};
    int why = 0;
    ssize_t told = 0;
    while ((told = ::read(report->read.get(), &why, sizeof why)) < 0 && errno == EINTR) {
    }
    Child child{pid, Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))},
                std::move(in->write), std::move(out->read)};
    if (told == 0) return child;
    static_cast<const Child&>(child).wait_for_status();
    return fail(ErrorCode::kInvalid, request.argv[0] + ": " + std::strerror(why));
}

}  // namespace

Result<Outcome> run_program(const Request& request) {
    const auto began = Clock::now();
    const auto* given_up = request.given_up.get();
    if (given_up != nullptr && *given_up) {
        return fail(ErrorCode::kUnavailable, request.argv[0] + ": given up before it was started");
    }
    auto child = start(request);
    if (!child) return std::unexpected(child.error());
    const bool ended = child->attend(request.input, began + request.timeout, given_up);
    child->end();  // also what it has left behind
    const int status = child->wait_for_status();
    const auto said = child->output().empty() ? "" : ": " + child->output();
    if (!ended) {
        const bool too_long = Clock::now() >= began + request.timeout;
        return fail(ErrorCode::kUnavailable,
                    request.argv[0] + ": " +
                        (too_long ? "not over after " + format_duration(request.timeout)
                                  : std::string{"given up"}) +
                        ", killed" + said);
    }
    if (WIFSIGNALED(status)) {
        return fail(ErrorCode::kUnavailable, request.argv[0] + ": ended by signal " +
                                                 std::to_string(WTERMSIG(status)) + said);
    }
    return Outcome{WEXITSTATUS(status), child->output(), Clock::now() - began};
}

}  // namespace chaos::custom
