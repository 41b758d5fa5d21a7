// Any bytes as Docker's event stream, applied to a cache.
#include <cstdint>

#include "controller/docker/cache.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char*>(data), size};  // NOLINT: bytes as text
    chaos::docker::Cache cache;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (const auto event = chaos::docker::parse_event(text.substr(0, end))) cache.apply(*event);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return 0;
}
