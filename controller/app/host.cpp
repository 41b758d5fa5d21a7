#include "controller/app/host.h"

#include <unistd.h>

#include <array>
#include <fstream>

namespace chaos::app {

std::string host_identity() {
    std::ifstream file{"/etc/machine-id"};
    std::string id;
    if (file >> id && !id.empty()) return id;
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace chaos::app
