#include "controller/status/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace chaos::status {
namespace {

std::unexpected<Error> system_error(const std::string& path) {
    const auto code = errno == EACCES || errno == EPERM || errno == EROFS ? ErrorCode::kPermission
                                                                          : ErrorCode::kUnavailable;
    return fail(code, path + ": " + std::strerror(errno));
}

bool write_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const auto n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        done += static_cast<std::size_t>(n);
    }
    return true;
}

}  // namespace

Result<> write_file(const std::string& path, const std::string& text) {
    const std::filesystem::path target{path};
    // Dot first: neither our own scan nor anybody's glob takes it for a manifest.
    const auto temporary =
        (target.parent_path() / ("." + target.filename().string() + ".tmp")).string();
    const int fd =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return system_error(temporary);
    const bool ok = write_all(fd, text) && ::fsync(fd) == 0;
    const auto failed = ok ? Result<>{} : Result<>{system_error(temporary)};
    ::close(fd);
    if (!failed || ::rename(temporary.c_str(), path.c_str()) != 0) {
        const auto error = failed ? Result<>{system_error(path)} : failed;
        ::unlink(temporary.c_str());
        return error;
    }
    return {};
}

std::optional<std::string> read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::string text;
    std::array<char, 16384> chunk{};
    ssize_t n = 0;
    while ((n = ::read(fd, chunk.data(), chunk.size())) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    const auto why = errno;
    ::close(fd);
    errno = why;
    if (n < 0) return std::nullopt;  // half a file would be taken for a whole one
    return text;
}

}  // namespace chaos::status
