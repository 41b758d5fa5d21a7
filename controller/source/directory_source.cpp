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

std::optional<TimePoint> DirectorySource::look(const std::set<std::string>& closed) {
    const auto scan = scanner_.scan(boot_now());
    bool unseen = false;
    if (watcher_) {
        const auto watching = watcher_->watch(scanner_.root(), scan.directories);
        const auto warning = watching ? std::string{} : watching.error().context;
        if (!warning.empty() && warning != last_warning_) hooks_.on_warning(warning);
        last_warning_ = warning;
        unseen = watching.value_or(false);
    }
    if (scan.unavailable.empty() && hooks_.on_halt) hooks_.on_halt(scan.halt);
    const auto update = desired_.update(scan, closed, boot_now());
    ready_ = true;
    hooks_.on_update(update);
    return unseen ? boot_now() : update.look_again;
}

void DirectorySource::configure(CustomActions custom, Desired::Generated generated) {
    scanner_.set_custom(std::move(custom));
    desired_.generate(std::move(generated));
    // Before the first scan there is nothing to look at again.
    if (ready_) look({});
}

Task<> DirectorySource::run() {
    auto created = Watcher::create(co_await boost::asio::this_coro::executor);
    if (created) {
        watcher_.emplace(std::move(*created));
    } else {
        hooks_.on_warning(created.error().context);
    }
    std::set<std::string> closed;
    for (;;) {
        Duration pause = kRescan;
        try {
            if (const auto again = look(closed)) {
                pause = std::clamp(*again - boot_now(), Duration{0}, pause);
            }
        } catch (const std::exception& bug) {
            // A directory that nobody looks at any more would be the end of every abort.
            hooks_.on_warning(std::string{"a bug: "} + bug.what());
        }
        const auto deadline = std::chrono::steady_clock::now() + pause;
        if (watcher_) {
            auto hints = co_await watcher_->wait(deadline);
            closed = shown_paths(hints.closed);
        } else {
            if (!co_await sleep_for(deadline - std::chrono::steady_clock::now())) co_return;
            closed.clear();
        }
    }
}

}  // namespace chaos::source
