#include "reconcilers/stress/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace chaos::stress {

Mapping::~Mapping() {
    if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
}

std::optional<Mapping> Mapping::of(int fd) {
    struct stat status{};
    // One that is shorter than it is mapped would end whoever reads it.
    if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size < off_t{sizeof(Shared)}) {
        return std::nullopt;
    }
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return std::nullopt;
    Mapping mapping;
    mapping.shared_ = static_cast<Shared*>(memory);
    if (mapping->magic != kMagic || mapping->size != sizeof(Shared)) return std::nullopt;
    return mapping;
}

}  // namespace chaos::stress
