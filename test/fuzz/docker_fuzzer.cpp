// Any bytes as Docker's replies.
#include <cstdint>

#include "controller/docker/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data),
                                size};  // NOLINT: bytes as text
    using namespace chaos::docker;
    (void)parse_list(text);
    (void)parse_inspect(text);
    (void)error_message(text);
    if (const auto version = parse_version(text)) (void)choose_api(*version);
    return 0;
}
