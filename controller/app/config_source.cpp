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
constexpr auto kRescan = std::chrono::seconds{10};

}  // namespace

bool ConfigSource::read() {
    if (path_.empty()) {
        if (config_) return false;
        config_ = std::make_shared<const Config>();
        read_at_ = wall_now();
        return true;
    }
    const auto before = problems_;
    const auto text = status::read_file(path_);
    if (!text) {
        missing_ = true;
        problems_ = {path_ + ": cannot be read; expected a configuration"};
        return problems_ != before;
    }
    if (!missing_ && *text == text_) return false;
    missing_ = false;
    text_ = *text;
    auto document = config::decode(text_);
    problems_.clear();
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
    if (path_.empty()) co_return;
    auto directory = std::filesystem::absolute(path_).parent_path().lexically_normal().string();
    if (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
    auto watcher = source::Watcher::create(co_await boost::asio::this_coro::executor);
    for (;;) {
        if (watcher) {
            const auto watching = watcher->watch(directory, {directory});
            if (!watching) log::debug("configuration", {{"error", watching.error().context}});
        }
        if (read()) on_change();
        const auto deadline = std::chrono::steady_clock::now() + kRescan;
        if (watcher) {
            [[maybe_unused]] const auto hints = co_await watcher->wait(deadline);
        } else if (!co_await sleep_for(kRescan)) {
            co_return;
        }
    }
}

}  // namespace chaos::app
