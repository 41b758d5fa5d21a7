#include "reconcilers/stressor/disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "reconcilers/stress/spare.h"
#include "reconcilers/stressor/threads.h"

namespace chaos::stressor {
namespace {

using stress::kDirectoryFd;

// Small, since a write to a disk that is throttled cannot be interrupted, not even by SIGKILL.
constexpr std::uint64_t kBlock = 128U << 10U;
constexpr std::uint64_t kFillStep = 64U << 20U;
constexpr auto kTick = std::chrono::milliseconds{100};
// What is written through the page cache is brought to the disk that often.
constexpr std::uint64_t kBlocksBetweenSyncs = 8;

// How many bytes more the file system can take without leaving the host too little.
std::int64_t room() {
    const auto space = stress::space_of(kDirectoryFd);
    return space ? stress::room_of(*space) : 0;
}

std::uint64_t size_of(int file) { return static_cast<std::uint64_t>(::lseek(file, 0, SEEK_END)); }

// 0, or errno. Where the file system cannot allocate, zeros are written.
int extend(int file, std::uint64_t from, std::uint64_t by) {
    if (::fallocate(file, 0, static_cast<off_t>(from), static_cast<off_t>(by)) == 0) return 0;
    if (errno != EOPNOTSUPP) return errno;
    static const std::vector<char> kZeros(kBlock);
    for (std::uint64_t done = 0; done < by;) {
        const auto size = std::min<std::uint64_t>(kBlock, by - done);
        const auto wrote = ::pwrite(file, kZeros.data(), size, static_cast<off_t>(from + done));
        if (wrote <= 0) return wrote < 0 ? errno : ENOSPC;
        done += static_cast<std::uint64_t>(wrote);
    }
    return 0;
}

int cut(int file, std::uint64_t size) {
    return ::ftruncate(file, static_cast<off_t>(size)) == 0 ? 0 : errno;
}

// One step of the fill towards `goal`; true where there is more to do.
bool step_fill(int file, std::uint64_t goal, stress::Report& report) {
    const auto held = size_of(file);
    const auto left = room();
    int error = 0;
    bool more = false;
    bool held_back = false;
    if (left < 0) {
        // Somebody else needs the space.
        const auto back = std::min(held, static_cast<std::uint64_t>(-left));
        error = cut(file, held - back);
        held_back = true;
    } else if (goal < held) {
        error = cut(file, goal);
    } else if (goal > held) {
        const auto by = std::min({goal - held, kFillStep, static_cast<std::uint64_t>(left)});
        held_back = by == static_cast<std::uint64_t>(left);
        if (by > 0) error = extend(file, held, by);
        more = error == 0 && !held_back && held + by < goal;
    }
    report.fill_bytes = size_of(file);
    report.fill_error = static_cast<std::uint64_t>(error);
    report.disk_held_back = held_back ? 1 : 0;
    return more;
}

// Past the page cache where the file system can do that: the disk is to be busy, and the
// container's memory is not to hold the files.
bool set_direct(int file) {
    const int flags = ::fcntl(file, F_GETFL);
    return flags >= 0 && ::fcntl(file, F_SETFL, flags | O_DIRECT) == 0;
}

class File {
public:
    explicit File(stress::Shared& shared) : report_(shared.report) {
        void* buffer = nullptr;
        if (::posix_memalign(&buffer, 4096, kBlock) == 0) buffer_ = static_cast<char*>(buffer);
        if (buffer_ != nullptr) std::memset(buffer_, 0x5a, kBlock);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (file_ >= 0) ::close(file_);
        std::free(buffer_);
    }

    // Writes the next block and reads one of those that are there. 0, or errno.
    int turn(std::uint64_t blocks) {
        if (buffer_ == nullptr) return ENOMEM;
        if (file_ < 0) file_ = make_nameless_file();
        if (file_ < 0) return errno;
        if (size_ == 0) direct_ = set_direct(file_);
        const auto left = room();
        if (left < 0) blocks = 0;  // somebody else needs the space
        if (size_ > blocks) {
            size_ = blocks;
            if (const int error = cut(file_, size_ * kBlock)) return error;
        }
        if (next_ >= blocks) next_ = 0;
        const bool held_back = next_ >= size_ && left < static_cast<std::int64_t>(kBlock);
        report_.disk_held_back = held_back ? 1 : 0;
        if (held_back) return ENOSPC;
        const int error = write(next_);
        if (error != 0) return error;
        size_ = std::max(size_, ++next_);
        return read(std::uniform_int_distribution<std::uint64_t>{0, size_ - 1}(random_));
    }

private:
    int write(std::uint64_t block) {
        const auto wrote = ::pwrite(file_, buffer_, kBlock, static_cast<off_t>(block * kBlock));
        if (wrote < 0 && errno == EINVAL && direct_) return go_indirect();
        if (wrote < 0) return errno;
        report_.io_written += static_cast<std::uint64_t>(wrote);
        if (!direct_ && block % kBlocksBetweenSyncs == 0) {
            ::fdatasync(file_);
            ::posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED);
        }
        return 0;
    }

    int read(std::uint64_t block) {
        const auto got = ::pread(file_, buffer_, kBlock, static_cast<off_t>(block * kBlock));
        if (got < 0) return errno;
        report_.io_read += static_cast<std::uint64_t>(got);
        return 0;
    }

    // The file system took the flag, but does not take the writes.
    int go_indirect() {
        direct_ = false;
        ::fcntl(file_, F_SETFL, ::fcntl(file_, F_GETFL) & ~O_DIRECT);
        return 0;
    }

    stress::Report& report_;
    int file_ = -1;
    bool direct_ = false;
    char* buffer_ = nullptr;
    std::uint64_t next_ = 0;  // blocks
    std::uint64_t size_ = 0;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

int make_nameless_file() {
    const int file = ::openat(kDirectoryFd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
    // Overlay file systems before Linux 6.1.
    const auto name = ".chaos-sutazai-" + std::to_string(std::random_device{}());
    const int named =
        ::openat(kDirectoryFd, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (named >= 0) ::unlinkat(kDirectoryFd, name.c_str(), 0);
    return named;
}

void fill_disk(stress::Shared& shared) {
    int file = -1;
    for (;;) {
        const auto given = stress::orders_of(shared);
        bool more = false;
        if (file < 0) file = make_nameless_file();
        if (file < 0) {
            shared.report.fill_error = static_cast<std::uint64_t>(errno);
        } else if (given) {
            more = step_fill(file, given->orders.fill_bytes, shared.report);
        }
        if (!more) std::this_thread::sleep_for(kTick);
    }
}

namespace {

void read_and_write(stress::Shared& shared, const std::atomic<bool>& stop) {
    File file{shared};
    while (!stop) {
        const auto given = stress::orders_of(shared);
        const auto blocks = given ? std::max<std::uint64_t>(given->orders.io_bytes / kBlock, 1) : 0;
        const int error = given ? file.turn(blocks) : EAGAIN;
        if (given) shared.report.io_error = static_cast<std::uint64_t>(error);
        if (error != 0) std::this_thread::sleep_for(kTick);
    }
}

}  // namespace

bool IoLoad::obey(const stress::Orders& orders) {
    const auto count = static_cast<std::size_t>(std::max(0, orders.io_workers));
    while (workers_.size() > count) {
        *workers_.back() = true;
        workers_.pop_back();
    }
    bool more = true;
    while (more && workers_.size() < count) {
        auto stop = std::make_shared<std::atomic<bool>>(false);
        more = run_detached([&shared = shared_, stop] { read_and_write(shared, *stop); });
        if (more) workers_.push_back(std::move(stop));
    }
    return more;
}

}  // namespace chaos::stressor
