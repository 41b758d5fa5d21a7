// Any bytes as a qdisc message of rtnetlink.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "reconcilers/network/qdisc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = chaos::network::decode_qdisc(
        {reinterpret_cast<const char*>(data), size});  // NOLINT: bytes as text
    if (decoded && decoded->kind.size() > size) std::abort();
    return 0;
}
