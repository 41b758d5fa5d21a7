// Status documents → files: temporary file, fsync, rename; nothing is written that is there
// already. Blocking; used from a thread of its own.
#pragma once

#include <optional>
#include <string>

#include "controller/api/error.h"

namespace chaos::status {

// Errors: kPermission, kUnavailable (disk full), with the path.
[[nodiscard]] Result<> write_file(const std::string& path, const std::string& text);

// The file's text; nullopt where there is none or it cannot be read.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);

}  // namespace chaos::status
