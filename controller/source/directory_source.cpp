#include "controller/source/directory_source.h"

#include <filesystem>

#include "controller/api/clock.h"

namespace chaos::source {
namespace {

constexpr auto kRescan = std::chrono::seconds{10};

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

Task<> DirectorySource::run() {
    auto watcher = Watcher::create(co_await boost::asio::this_coro::executor);
    if (!watcher) hooks_.on_warning(watcher.error().context);
    std::string last_warning;
    std::set<std::string> closed;
    for (;;) {
        const auto scan = scanner_.scan(boot_now());
        bool unseen = false;
        if (watcher) {
            const auto watching = watcher->watch(scanner_.root(), scan.directories);
            const auto warning = watching ? std::string{} : watching.error().context;
            if (!warning.empty() && warning != last_warning) hooks_.on_warning(warning);
            last_warning = warning;
            unseen = watching.value_or(false);
        }
        const auto update = desired_.update(scan, closed, boot_now());
        ready_ = true;
        hooks_.on_update(update);
        if (unseen) continue;
        auto deadline = std::chrono::steady_clock::now() + kRescan;
        if (update.look_again) {
            deadline =
                std::min(deadline, std::chrono::steady_clock::now() +
                                       std::max(*update.look_again - boot_now(), Duration{0}));
        }
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
