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
            failing_.erase(path);
            continue;
        }
        if (!std::exchange(failing_[path], true)) on_error_(written.error().context);
        pending_.emplace(path, text);  // unless a newer one came meanwhile
        // One that cannot be written must not keep the others waiting: they come first after this.
        if (failing_.size() >= pending_.size() && !co_await sleep_for(kRetry)) break;
    }
    running_ = false;
}

}  // namespace chaos::runtime
