// Status files written behind the loop: the newest text of each path wins, and a disk that is slow
// or full delays no undo.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/api/time.h"
#include "controller/asio/task_group.h"
#include "controller/runtime/worker.h"

namespace chaos::runtime {

class StatusWriter {
public:
    // `on_error` is told once per path and outage.
    StatusWriter(TaskGroup& tasks, std::function<void(std::string)> on_error)
        : tasks_(tasks), on_error_(std::move(on_error)) {}

    // Writes `text` soon; nullopt removes the file. What is already on the disk is not written
    // again.
    void submit(const std::string& path, std::optional<std::string> text);

    // True when nothing waits to be written.
    [[nodiscard]] bool idle() const { return pending_.empty() && !running_; }

private:
    [[nodiscard]] Task<> drain();
    [[nodiscard]] Task<> retry_later(std::string path);

    TaskGroup& tasks_;
    std::function<void(std::string)> on_error_;
    Worker worker_;
    std::map<std::string, std::optional<std::string>> pending_;
    std::map<std::string, std::optional<std::string>> failed_;  // to be tried again
    std::set<std::string> reported_;
    bool running_ = false;
};

}  // namespace chaos::runtime
