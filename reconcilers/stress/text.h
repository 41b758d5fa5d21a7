// Small files of the kernel, and their parts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace chaos::stress {

// "" where it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);

// Calls `use` with each part between separators; empty parts are left out.
template <class Use>
void each_part(std::string_view text, char separator, Use&& use) {
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (end > 0) use(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

[[nodiscard]] inline std::string_view first_word(std::string_view text) {
    return text.substr(0, std::min(text.find_first_of(" \n"), text.size()));
}

}  // namespace chaos::stress
