// The configuration file as a running part: read at the start, and again whenever it changes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/config.h"
#include "controller/api/error.h"
#include "controller/asio/task_group.h"

namespace chaos::app {

class ConfigSource {
public:
    // `path` empty: there is no file, and all has its default.
    explicit ConfigSource(std::string path) : path_(std::move(path)) {}

    // Reads the file; true where that has changed config() or problems().
    bool read();

    // The last valid one; null where there never was one.
    [[nodiscard]] const std::shared_ptr<const Config>& config() const { return config_; }
    // Rendered; of the file as it is now. Empty: it is valid.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::optional<TimePoint> read_at() const { return read_at_; }  // config()

    // Calls `on_change` after each read that has changed something, until cancelled.
    [[nodiscard]] Task<> run(std::function<void()> on_change);

private:
    std::string path_;
    std::string text_;
    bool missing_ = true;
    std::shared_ptr<const Config> config_;
    std::vector<std::string> problems_;
    std::optional<TimePoint> read_at_;
};

}  // namespace chaos::app
