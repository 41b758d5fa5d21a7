// What a stressor is to do and what it reports: memory that it shares with whoever commands it. It
// is a memfd, descriptor 3 of the stressor, so that a later life of the controller finds it again
// by /proc/PID/fd/3. Everything in here that comes from the other side may be any bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace chaos::stress {

// The descriptors that a stressor is started with.
inline constexpr int kOrdersFd = 3;
inline constexpr int kTargetFd = 4;     // pidfd of the container's first process
inline constexpr int kKeeperFd = 5;     // see keeper.h
inline constexpr int kReadyFd = 6;      // a byte is written here once the first orders are obeyed
inline constexpr int kDirectoryFd = 7;  // where files go; may be absent

// Its name, the fault's uid, the container's id, the PID of the container's first process.
inline constexpr int kArguments = 4;

inline constexpr const char* kProgram = "chaos-stressor";  // at most 15 characters: it is the comm
inline constexpr const char* kDecoy = "chaos-decoy";       // its helpers; see stressor/decoys.h
inline constexpr std::uint64_t kMagic = 0x63'68'61'6f'73'73'74'31;  // "chaosst1"

// Rechecked while a stressor runs: what it leaves the host, whatever it was asked for.
// Specification section 7: safety.max_memory_usage 90 %; milestone 4: 5 % of a file system.
inline constexpr double kHostMemoryShare = 0.90;
inline constexpr double kHostPidsShare = 0.90;
inline constexpr double kDiskFreeShare = 0.05;

// Shares are of 1. What is 0 is not asked for.
struct Orders {
    std::int64_t ends_at_ns = 0;  // CLOCK_BOOTTIME
    double cpu_load = 0;
    std::int32_t cpu_workers = 0;  // 0: as many as it takes
    std::int32_t io_workers = 0;
    double memory_share = 0;         // of the limit, the container's own use counted
    std::uint64_t memory_bytes = 0;  // beside it
    std::int64_t memory_ramp_ns = 0;
    std::uint64_t io_bytes = 0;
    double fill_share = 0;  // of the space that was free; what that is stands in fill_bytes
    std::uint64_t fill_bytes = 0;
    double pids_share = 0;
    std::uint32_t pids_count = 0;

    friend bool operator==(const Orders&, const Orders&) = default;
};
static_assert(std::is_trivially_copyable_v<Orders>);

struct Report {
    std::atomic<std::uint64_t> cpu_ns;  // used by the stressor itself
    std::atomic<std::uint64_t> cpu_workers;
    std::atomic<std::uint64_t> memory_bytes;  // held
    std::atomic<std::uint64_t> memory_goal;   // at the end of the ramp
    std::atomic<std::uint64_t> io_read;
    std::atomic<std::uint64_t> io_written;
    std::atomic<std::uint64_t> fill_bytes;
    std::atomic<std::uint64_t> pids;
    std::atomic<std::uint64_t> pids_goal;
    std::atomic<std::uint64_t> lacks_threads;  // 1: the container's limit leaves it too few
    // An errno; 0: none.
    std::atomic<std::uint64_t> memory_error;
    std::atomic<std::uint64_t> io_error;
    std::atomic<std::uint64_t> fill_error;
    std::atomic<std::uint64_t> pids_error;
    // 1: less than asked for, to leave the host what it needs.
    std::atomic<std::uint64_t> memory_held_back;
    std::atomic<std::uint64_t> disk_held_back;
    std::atomic<std::uint64_t> pids_held_back;
};

// Whose it is stands in the stressor's arguments, which any version of this program can read; see
// Stressor.
struct Shared {
    std::uint64_t magic = kMagic;
    std::uint64_t size = sizeof(Shared);
    std::uint64_t directory = 0;         // a hash of its path inside the container; 0: none
    std::atomic<std::uint32_t> version;  // odd while the orders are being written
    std::atomic<std::uint32_t> obeyed;   // the last version that is in force
    Orders orders;
    Report report;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// One writer at a time: whoever holds the state store.
// One that died in the middle has left the version odd, which is mended here.
inline void give_orders(Shared& shared, const Orders& orders) {
    const auto odd = shared.version.load(std::memory_order_relaxed) | 1U;
    shared.version.store(odd, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    shared.orders = orders;
    shared.version.store(odd + 1, std::memory_order_release);
}

struct Given {
    Orders orders;
    std::uint32_t version = 0;
};

// Absent while they are being written.
inline std::optional<Given> orders_of(const Shared& shared) {
    const auto before = shared.version.load(std::memory_order_acquire);
    Given given{shared.orders, before};
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto after = shared.version.load(std::memory_order_acquire);
    return before == after && before % 2 == 0 ? std::optional{given} : std::nullopt;
}

}  // namespace chaos::stress
