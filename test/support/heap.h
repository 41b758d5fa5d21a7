// What this process holds of the heap: a leak shows in it by the byte, whatever the allocator keeps
// for later and whatever a sanitizer keeps in quarantine, which resident memory both counts.
#pragma once

#include <cstddef>

#ifdef __SANITIZE_ADDRESS__
// Of the sanitizers' allocator_interface.h, which GCC does not install.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // NOLINT: its name
#else
#include <malloc.h>
#endif

namespace chaos::test {

// Bytes allocated and not freed.
inline std::size_t heap_in_use() {
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

}  // namespace chaos::test
