#include "controller/app/host.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace chaos::app {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT: before any thread
    return value == nullptr ? std::string{} : value;
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
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
    const auto is_id = [](const std::string& id) {
        return id.find_first_not_of("0123456789abcdef") == std::string::npos;
    };
    while (std::getline(file, line)) {
        if (line.find(" /etc/hostname ") == std::string::npos &&
            line.find(" /etc/resolv.conf ") == std::string::npos) {
            continue;
        }
        const auto at = line.rfind(kMark);
        if (at == std::string::npos) continue;
        const auto id = line.substr(at + kMark.size(), kIdLength);
        if (id.size() == kIdLength && is_id(id)) return id;
    }
    // Where those files are mounted by the user: the name that Docker gives by default is the
    // beginning of the id.
    constexpr std::size_t kShortId = 12;
    std::error_code ec;
    const auto name = host_name();
    const bool inside = std::filesystem::exists("/.dockerenv", ec);
    return inside && name.size() == kShortId && is_id(name) ? name : std::string{};
}

std::string host_identity() {
    std::ifstream file{"/etc/machine-id"};
    std::string id;
    if (file >> id && !id.empty()) return id;
    return host_name();
}

}  // namespace chaos::app
