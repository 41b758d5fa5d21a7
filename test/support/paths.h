// Where the sources and the built programs are.
#pragma once

#include <string>

namespace chaos::test {

[[nodiscard]] std::string source_dir();
[[nodiscard]] std::string bin_dir();

}  // namespace chaos::test
