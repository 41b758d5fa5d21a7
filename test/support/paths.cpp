#include "test/support/paths.h"

#include <filesystem>

namespace chaos::test {

// The one object that differs from clone to clone: what ccache has compiled serves all the others.
std::string source_dir() { return CHAOS_SOURCE_DIR; }

std::string bin_dir() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

}  // namespace chaos::test
