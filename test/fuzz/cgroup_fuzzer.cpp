// Any bytes as what /proc and the control files of containers say. The first line is a key, the
// rest a file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/control_files.h"
#include "reconcilers/stress/directory.h"

using namespace chaos::stress;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all{reinterpret_cast<const char*>(data), size};  // NOLINT: bytes as text
    const auto end = std::min(all.find('\n'), size);
    const auto key = all.substr(0, end);
    const auto text = all.substr(std::min(end + 1, size));
    const auto memberships = parse_memberships(text);
    const auto hierarchies = parse_hierarchies(text);
    const auto groups = locate(memberships, hierarchies);
    if (groups && groups->size() > memberships.size()) std::abort();
    const auto value = value_in(text, key);
    if (value && text.find(key) == std::string_view::npos) std::abort();
    static_cast<void>(number_in(text));
    static_cast<void>(cpus_in(text));
    static_cast<void>(sum_in(text, key));
    static_cast<void>(pressure_in(text));
    // Nothing is the container's own of which there is no line.
    const auto id = number_in(key);
    if (id && why_not_there(text, *id).empty() && text.find(" - ") == std::string_view::npos) {
        std::abort();
    }
    return 0;
}
