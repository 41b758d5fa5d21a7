// Any bytes as a row of the journal; what is accepted reads back as itself.
#include <cstdint>
#include <cstdlib>

#include "controller/store/store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data),
                                size};  // NOLINT: bytes as text
    using namespace chaos::store;
    if (const auto run = decode_run(text)) {
        if (decode_run(encode_run(*run)) != *run) std::abort();
    }
    if (const auto fault = decode_fault(text)) {
        if (decode_fault(encode_fault(*fault)) != *fault) std::abort();
    }
    return 0;
}
