#include "reconcilers/stress/directory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "reconcilers/container/descriptor.h"
#include "reconcilers/stress/control_files.h"
#include "reconcilers/stress/text.h"

namespace chaos::stress {
namespace {

std::unexpected<Error> failed(ErrorCode code, const std::string& what) {
    return fail(code, what + ": " + std::strerror(errno));
}

bool is_volume(std::string_view root) {
    constexpr std::string_view kEnd = "/_data";
    if (!root.ends_with(kEnd)) return false;
    root.remove_suffix(kEnd.size());
    const auto name = root.rfind('/');
    return name != std::string_view::npos && root.substr(0, name).ends_with("/volumes");
}

}  // namespace

std::string why_not_there(std::string_view mountinfo, std::uint64_t mount_id) {
    std::string why = "its mount cannot be told";
    each_part(mountinfo, '\n', [&](std::string_view line) {
        if (number_in(line) != mount_id) return;
        std::vector<std::string_view> parts;
        each_part(line, ' ', [&](auto part) { parts.push_back(part); });
        const auto dash = line.find(" - ");
        if (parts.size() < 6 || dash == std::string_view::npos) return;
        const auto type = first_word(line.substr(dash + 3));
        const auto mount = parts[4];
        why.clear();
        if (parts[5].starts_with("ro")) {
            why = "its file system is mounted read-only";
        } else if (type == "tmpfs" || type == "ramfs") {
            why = "it is in memory (" + std::string{type} + "); memory_stress is for that";
        } else if (mount != "/" && !is_volume(parts[3])) {
            why = "it is outside the container's own file systems: " +
                  (parts[3] == "/" ? std::string{type} : "a directory of the host") +
                  ", mounted at " + std::string{mount};
        }
    });
    return why;
}

Result<int> open_directory(int pid, const std::string& path) {
    const auto proc = "/proc/" + std::to_string(pid);
    // One that has changed its root would have a mount of its choice for it.
    std::error_code ec;
    const auto root_link = std::filesystem::read_symlink(proc + "/root", ec);
    if (!ec && root_link != "/") {
        return fail(ErrorCode::kInvalid, "path " + path + ": the container's first process has " +
                                             root_link.string() + " for its root (chroot)");
    }
    const Descriptor root{::open((proc + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (root.get() < 0) return failed(ErrorCode::kNotFound, proc + "/root");
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    Descriptor directory{
        static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how))};
    if (directory.get() < 0) return failed(ErrorCode::kInvalid, "path " + path);
    struct statx status{};
    if (::statx(directory.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) {
        return failed(ErrorCode::kInvalid, "path " + path);
    }
    const auto why = why_not_there(read_file(proc + "/mountinfo"), status.stx_mnt_id);
    if (!why.empty()) return fail(ErrorCode::kInvalid, "path " + path + ": " + why);
    return directory.release();
}

}  // namespace chaos::stress
