#include "controller/runtime/status_writer.h"

#include <unistd.h>

#include "controller/status/file.h"

namespace chaos::runtime {
namespace {

constexpr Duration kRetry = std::chrono::seconds{5};

Result<> bring_about(const std::string& path, const std::optional<std::string>& text) {
    if (!text) {
        ::unlink(path.c_str());
        return {};
    }
    if (status::read_file(path) == text) return {};
    return status::write_file(path, *text);
}

}  // namespace

void StatusWriter::submit(const std::string& path, std::optional<std::string> text) {
    failed_.erase(path);
    pending_[path] = std::move(text);
    if (running_) return;
    running_ = true;
    tasks_.spawn(drain());
}

Task<> StatusWriter::drain() {
    while (!pending_.empty()) {
        auto item = pending_.extract(pending_.begin());
        const auto path = item.key();
        const auto text = item.mapped();
        // Named, not a temporary of the await: see CONTRIBUTING.md, "GCC 12 and coroutines".
        auto job = [path, text] { return bring_about(path, text); };
        const auto written = co_await worker_.run(std::move(job));
        if (written) {
            reported_.erase(path);
            continue;
        }
        if (reported_.insert(path).second) on_error_(written.error().context);
        if (pending_.contains(path)) continue;  // a newer one came meanwhile
        // Aside, so that one that cannot be written keeps no other waiting.
        failed_[path] = text;
        tasks_.spawn(retry_later(path));
    }
    running_ = false;
}

Task<> StatusWriter::retry_later(std::string path) {
    if (!co_await sleep_for(kRetry)) co_return;
    const auto it = failed_.find(path);
    if (it == failed_.end()) co_return;
    auto text = it->second;
    submit(path, std::move(text));
}

}  // namespace chaos::runtime
