// Any bytes as a configuration: no crash, no hang, and a configuration exactly where there is no
// problem. What the chaos monkey makes of it can be read back.
#include <cstdint>
#include <cstdlib>

#include "controller/config/decode.h"
#include "controller/config/monkey.h"
#include "controller/manifest/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data),
                                size};  // NOLINT: bytes as text
    const auto document = chaos::config::decode(text);
    if (document.config.has_value() != document.problems.empty()) std::abort();
    for (const auto& problem : document.problems) {
        if (chaos::manifest::render("f", problem).empty()) std::abort();
    }
    if (!document.config) return 0;
    for (const auto& schedule : document.config->monkey.schedules) {
        const auto manifest = chaos::config::manifest_of(schedule, chaos::MonkeyMode::kProduction);
        const auto made = chaos::manifest::decode(manifest, document.config->custom_actions);
        if (made.size() != 1 || !made[0].experiment) std::abort();
    }
    return 0;
}
