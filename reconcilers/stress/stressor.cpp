#include "reconcilers/stress/stressor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "reconcilers/container/process.h"
#include "reconcilers/stress/text.h"

namespace chaos::stress {
namespace {

std::string link_of(const std::string& path) {
    std::error_code ec;
    return std::filesystem::read_symlink(path, ec).string();
}

std::vector<std::string> arguments_of(int pid) {
    std::vector<std::string> arguments;
    const auto text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    each_part(text, '\0', [&](std::string_view part) { arguments.emplace_back(part); });
    return arguments;
}

std::string descriptor_path(int pid, int fd) {
    return "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
}

// A process of a container may open what it likes, but is in another PID namespace.
bool looks_like_one(int pid) {
    return link_of(descriptor_path(pid, kOrdersFd)).starts_with("/memfd:chaos-stressor") &&
           link_of("/proc/" + std::to_string(pid) + "/ns/pid") == link_of("/proc/self/ns/pid");
}

std::optional<Process> open_process(int pid) {
    const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return std::nullopt;
    return Process{pid, Descriptor{static_cast<int>(pidfd)}};
}

// Absent where it is none, or has ended meanwhile.
Result<std::optional<Stressor>> open_stressor(int pid, const Keeper& keeper) {
    if (!looks_like_one(pid)) return std::nullopt;
    auto process = open_process(pid);
    if (!process && errno == ESRCH) return std::nullopt;
    if (!process) {
        return fail(ErrorCode::kUnavailable, std::string{"pidfd_open: "} + std::strerror(errno));
    }
    Stressor stressor{.process = std::move(*process)};
    // Asked again: now it is known that it is the process that will be signalled.
    const auto arguments = arguments_of(pid);
    if (!looks_like_one(pid) || arguments.size() < kArguments) return std::nullopt;
    stressor.purpose = {arguments[1], arguments[2], std::atoi(arguments[3].c_str())};
    const Descriptor memory{::open(descriptor_path(pid, kOrdersFd).c_str(), O_RDWR | O_CLOEXEC)};
    if (auto mapping = Mapping::of(memory.get())) stressor.shared = std::move(*mapping);
    struct stat lock{};
    stressor.ours = ::stat(descriptor_path(pid, kKeeperFd).c_str(), &lock) == 0 &&
                    lock.st_dev == keeper.device() && lock.st_ino == keeper.inode();
    return stressor;
}

}  // namespace

bool Process::ended() const {
    pollfd poll{descriptor.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0;
}

void Process::kill() const {
    ::syscall(SYS_pidfd_send_signal, descriptor.get(), SIGKILL, nullptr, 0);
}

void Stressor::wake() const {
    ::syscall(SYS_pidfd_send_signal, process.descriptor.get(), SIGUSR1, nullptr, 0);
}

void Stressor::reap() const {
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(process.descriptor.get()), &info, WEXITED | WNOHANG);
}

std::vector<Process> Stressor::decoys() const {
    std::vector<Process> decoys;
    const auto pid = std::to_string(process.pid);
    const auto children = read_file("/proc/" + pid + "/task/" + pid + "/children");
    each_part(children, ' ', [&](std::string_view child) {
        auto opened = open_process(std::atoi(std::string{child}.c_str()));
        const auto comm = "/proc/" + std::string{child} + "/comm";
        if (opened && first_word(read_file(comm)) == kDecoy) decoys.push_back(std::move(*opened));
    });
    return decoys;
}

void thaw(const Process& process) {
    const auto own = Cgroup::of(::getpid());
    if (!own) return;
    for (const auto& group : own->groups()) {
        if (group.controllers != "freezer" || process.ended()) continue;
        const auto path = group.mount + group.directory + "/cgroup.procs";
        const Descriptor procs{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
        const auto text = std::to_string(process.pid);
        if (procs.get() >= 0 && ::write(procs.get(), text.data(), text.size()) < 0) return;
    }
}

void set_oom_score_adj(const Stressor& stressor, int value) {
    const auto path = "/proc/" + std::to_string(stressor.process.pid) + "/oom_score_adj";
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    const auto text = std::to_string(value);
    // Its pidfd tells that the file was its own.
    if (file.get() < 0 || stressor.process.ended()) return;
    if (::write(file.get(), text.data(), text.size()) < 0) return;
}

Result<std::vector<Stressor>> find_stressors(const Keeper& keeper) {
    std::vector<Stressor> found;
    for (const int pid : container::all_processes()) {
        auto stressor = open_stressor(pid, keeper);
        if (!stressor) return std::unexpected(stressor.error());
        if (*stressor) found.push_back(std::move(**stressor));
    }
    return found;
}

int Program::descriptor() {
    if (file_.get() < 0) file_ = Descriptor{::open(path_.c_str(), O_PATH | O_CLOEXEC)};
    return file_.get();
}

std::string default_program() {
    std::error_code ec;
    return std::filesystem::read_symlink("/proc/self/exe", ec).parent_path() / kProgram;
}

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash == 0 ? 1 : hash;
}

}  // namespace chaos::stress
