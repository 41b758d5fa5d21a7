#include "controller/source/directory_source.h"

#include <algorithm>
#include <filesystem>

#include "controller/api/clock.h"

namespace chaos::source {
namespace {

constexpr Duration kRescan = std::chrono::seconds{10};

}  // namespace

// The watcher speaks of resolved directories, the scanner of paths as the user gave them.
std::set<std::string> DirectorySource::shown_paths(const std::set<std::string>& resolved) const {
    std::error_code ec;
    const auto real = std::filesystem::canonical(scanner_.root(), ec).string();
    std::set<std::string> shown;
    for (const auto& path : resolved) {
        if (!ec && path.starts_with(real + "/")) {
            shown.insert(scanner_.root() + path.substr(real.size()));
        }
    }
    return shown;
}

std::optional<TimePoint> DirectorySource::look(Watcher* watcher,
                                               const std::set<std::string>& closed) {
    const auto scan = scanner_.scan(boot_now());
    bool unseen = false;
    if (watcher != nullptr) {
        const auto watching = watcher->watch(scanner_.root(), scan.directories);
        const auto warning = watching ? std::string{} : watching.error().context;
        if (!warning.empty() && warning != last_warning_) hooks_.on_warning(warning);
        last_warning_ = warning;
        unseen = watching.value_or(false);
    }
    const auto update = desired_.update(scan, closed, boot_now());
    ready_ = true;
    hooks_.on_update(update);
    return unseen ? boot_now() : update.look_again;
}

Task<> DirectorySource::run() {
    auto watcher = Watcher::create(co_await boost::asio::this_coro::executor);
    if (!watcher) hooks_.on_warning(watcher.error().context);
    std::set<std::string> closed;
    for (;;) {
        Duration pause = kRescan;
        try {
            if (const auto again = look(watcher ? &*watcher : nullptr, closed)) {
                pause = std::clamp(*again - boot_now(), Duration{0}, pause);
            }
        } catch (const std::exception& bug) {
            // A directory that nobody looks at any more would be the end of every abort.
            hooks_.on_warning(std::string{"a bug: "} + bug.what());
        }
        const auto deadline = std::chrono::steady_clock::now() + pause;
        if (watcher) {
            auto hints = co_await watcher->wait(deadline);
            closed = shown_paths(hints.closed);
        } else {
            if (!co_await sleep_for(deadline - std::chrono::steady_clock::now())) co_return;
            closed.clear();
        }
    }
}

}  // namespace chaos::source
