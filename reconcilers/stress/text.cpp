#include "reconcilers/stress/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace chaos::stress {

// Without streams: the stressor is to be small.
std::string read_file(const std::string& path) {
    std::string text;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(fd, part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(fd);
    return text;
}

}  // namespace chaos::stress
