// The token that lets requests on TCP change something.
#pragma once

#include <string>
#include <string_view>

namespace chaos::app {

// The first line of the file; "" where there is no file, it is empty, or others may read it: then
// nothing is let through, and the log says why.
[[nodiscard]] std::string read_token(const std::string& path);

// "Bearer TOKEN", compared in a time that does not tell how much of it is right.
[[nodiscard]] bool carries_token(std::string_view authorization, std::string_view token);

}  // namespace chaos::app
