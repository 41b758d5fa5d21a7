#include "controller/app/config_source.h"

#include <filesystem>

#include "controller/api/clock.h"
#include "controller/config/decode.h"
#include "controller/source/watcher.h"
#include "controller/status/file.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

// For file systems that tell of no changes.
constexpr Duration kRescan = std::chrono::seconds{10};

}  // namespace

bool ConfigSource::read() {
    if (path_.empty()) {
        if (config_) return false;
        config_ = std::make_shared<const Config>();
        read_at_ = wall_now();
        return true;
    }
    return take(status::read_file(path_));
}

bool ConfigSource::read_settled(bool closed) {
    auto text = status::read_file(path_);
    const auto now = boot_now();
    if (!closed && !is_taken(text)) {
        if (!unsettled_since_ || seen_ != text) {
            unsettled_since_ = now;
            seen_ = std::move(text);
            return false;
        }
        if (now < *unsettled_since_ + kQuiet) return false;
    }
    unsettled_since_.reset();
    return take(text);
}

bool ConfigSource::take(const Text& text) {
    if (is_taken(text)) return false;
    taken_ = Taken{text};
    problems_.clear();
    if (!text) {
        problems_ = {path_ + ": cannot be read; expected a configuration"};
        return true;
    }
    auto document = config::decode(*text);
    for (const auto& problem : document.problems) {
        problems_.push_back(manifest::render(path_, problem));
    }
    if (document.config) {
        config_ = std::make_shared<const Config>(std::move(*document.config));
        read_at_ = wall_now();
    }
    return true;
}

Task<> ConfigSource::run(std::function<void()> on_change) {
    // A pipe gives its text once.
    std::error_code ignored;
    if (path_.empty() || std::filesystem::is_fifo(path_, ignored)) co_return;
    const auto file = std::filesystem::absolute(path_).lexically_normal();
    const auto directory = file.parent_path().string();
    auto watcher = source::Watcher::create(co_await boost::asio::this_coro::executor);
    bool closed = false;
    for (;;) {
        if (watcher) {
            const auto watching = watcher->watch(directory, {directory});
            if (!watching) log::debug("configuration", {{"error", watching.error().context}});
        }
        if (read_settled(closed)) on_change();
        const Duration pause = unsettled_since_ ? kQuiet : kRescan;
        if (watcher) {
            const auto hints = co_await watcher->wait(std::chrono::steady_clock::now() + pause);
            closed = hints.closed.contains(file.string());
        } else if (!co_await sleep_for(pause)) {
            co_return;
        }
    }
}

}  // namespace chaos::app
