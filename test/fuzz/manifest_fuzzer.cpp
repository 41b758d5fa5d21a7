// Any bytes as a manifest: no crash, no hang, and an experiment exactly where there is no problem.
#include <cstdint>
#include <cstdlib>

#include "controller/manifest/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data),
                                size};  // NOLINT: bytes as text
    for (const auto& document : chaos::manifest::decode(text)) {
        if (document.experiment.has_value() != document.problems.empty()) std::abort();
        for (const auto& problem : document.problems) {
            if (chaos::manifest::render("f", problem).empty()) std::abort();
        }
    }
    return 0;
}
