#include "controller/source/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "controller/source/scanner.h"

namespace chaos::source {
namespace {

namespace asio = boost::asio;

// IN_MODIFY is left out: it shows files half written. IN_CREATE is needed for symbolic and hard
// links and for directories, which nobody closes.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                IN_EXCL_UNLINK;

bool is_relevant(std::uint32_t mask, const std::string& name) {
    // "..data" and its like: Kubernetes' and git-sync's atomic swaps.
    return (mask & IN_ISDIR) != 0 || name.empty() || is_manifest_name(name) ||
           name.starts_with("..") || name == kHaltFile;
}

}  // namespace

Result<Watcher> Watcher::create(asio::any_io_executor executor) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        return fail(ErrorCode::kUnavailable, std::string{"inotify: "} + std::strerror(errno));
    }
    return Watcher{asio::posix::stream_descriptor{executor, fd}};
}

Result<bool> Watcher::watch(const std::string& root, const std::vector<std::string>& directories) {
    bool anything_new = false;
    std::error_code ec;
    const auto absolute = std::filesystem::absolute(root, ec);
    parent_ = absolute.parent_path().string();
    root_name_ = absolute.filename().string();
    auto wanted = directories;
    wanted.push_back(parent_);
    // The parent comes last: where it is part of the tree too, the name in `directories_` is equal.
    for (const auto& directory : wanted) {
        const int wd = ::inotify_add_watch(descriptor_.native_handle(), directory.c_str(), kMask);
        if (wd >= 0) {
            anything_new = directories_.insert_or_assign(wd, directory).second || anything_new;
        } else if (errno != ENOENT && errno != ENOTDIR) {
            return fail(ErrorCode::kUnavailable,
                        "inotify: " + directory + ": " + std::strerror(errno));
        }
    }
    return anything_new;
}

void Watcher::take(int descriptor, unsigned mask, const std::string& name, Hints& hints) {
    if ((mask & IN_Q_OVERFLOW) != 0) {
        hints.look = true;
        return;
    }
    const auto it = directories_.find(descriptor);
    if (it == directories_.end()) return;
    const auto directory = it->second;
    if ((mask & IN_IGNORED) != 0) {
        directories_.erase(it);
        return;
    }
    // In the parent only the root itself matters.
    if (directory == parent_ && name != root_name_) return;
    if (directory != parent_ && !is_relevant(mask, name)) return;
    hints.look = true;
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) hints.closed.insert(directory + "/" + name);
}

void Watcher::read_events(Hints& hints) {
    alignas(inotify_event) std::array<char, 65536> buffer{};
    for (;;) {
        const auto n = ::read(descriptor_.native_handle(), buffer.data(), buffer.size());
        if (n <= 0) return;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            const auto* event =
                reinterpret_cast<const inotify_event*>(buffer.data() + at);  // NOLINT: kernel ABI
            take(event->wd, event->mask, event->len > 0 ? event->name : "", hints);
            at += sizeof(inotify_event) + event->len;
        }
    }
}

Task<Watcher::Hints> Watcher::wait(std::chrono::steady_clock::time_point deadline) {
    using namespace asio::experimental::awaitable_operators;
    Hints hints;
    asio::steady_timer timer{co_await asio::this_coro::executor, deadline};
    while (!hints.look) {
        const auto first = co_await (descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                                                            asio::as_tuple(asio::use_awaitable)) ||
                                     timer.async_wait(asio::as_tuple(asio::use_awaitable)));
        if (first.index() == 1) break;
        read_events(hints);
    }
    co_return hints;
}

}  // namespace chaos::source
