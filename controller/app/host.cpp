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

std::string host_identity() {
    std::ifstream file{"/etc/machine-id"};
    std::string id;
    if (file >> id && !id.empty()) return id;
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace chaos::app
