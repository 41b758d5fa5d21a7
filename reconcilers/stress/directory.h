// A directory inside a container, for a stressor's files: never outside it, whatever links there
// are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/api/error.h"

namespace chaos::stress {

// Whether files of a fault may go to a mount of the container, told by its line in the container's
// /proc/PID/mountinfo: its root file system and Docker's volumes, but no directory of the host that
// is mounted into it, and no memory. "" or why not. Pure.
[[nodiscard]] std::string why_not_there(std::string_view mountinfo, std::uint64_t mount_id);

// Opens the directory as the process sees it; links lead nowhere outside its root (openat2). The
// caller closes the descriptor. Errors: kNotFound (the process has ended), kInvalid (no such
// directory, read-only, a mount that is not the container's own).
[[nodiscard]] Result<int> open_directory(int pid, const std::string& path);

}  // namespace chaos::stress
