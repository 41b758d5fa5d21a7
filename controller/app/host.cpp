#include "controller/app/host.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace chaos::app {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT: before any thread
    return value == nullptr ? std::string{} : value;
}

}  // namespace

std::string default_state_dir() {
    if (auto directory = environment("STATE_DIRECTORY"); !directory.empty()) return directory;
    if (::geteuid() == 0) return "/var/lib/chaos-controller";
    auto base = environment("XDG_STATE_HOME");
    if (base.empty()) base = environment("HOME") + "/.local/state";
    return base + "/chaos-controller";
}

// Docker binds files of its own below /var/lib/docker/containers/ID into each container, whatever
// the version of the control groups; mountinfo names them (proc_pid_mountinfo(5)).
std::string own_container() {
    constexpr std::string_view kMark = "/containers/";
    constexpr std::size_t kIdLength = 64;
    std::ifstream file{"/proc/self/mountinfo"};
    std::string line;
    while (std::getline(file, line)) {
        if (line.find(" /etc/hostname ") == std::string::npos) continue;
        const auto at = line.find(kMark);
        if (at == std::string::npos) continue;
        const auto id = line.substr(at + kMark.size(), kIdLength);
        if (id.find_first_not_of("0123456789abcdef") == std::string::npos) return id;
    }
    return {};
}

std::string host_identity() {
    std::ifstream file{"/etc/machine-id"};
    std::string id;
    if (file >> id && !id.empty()) return id;
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace chaos::app
