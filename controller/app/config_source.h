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

    // Reads the file as it is; true where that has changed config() or problems().
    bool read();
    // The same, once nobody can be amid writing it: it was closed, or is the same for kQuiet.
    bool read_settled(bool closed);

    // The last valid one; null where there never was one.
    [[nodiscard]] const std::shared_ptr<const Config>& config() const { return config_; }
    // Rendered; of the file as it is now. Empty: it is valid.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    // The file has changed, and may be changing still.
    [[nodiscard]] bool unsettled() const { return unsettled_since_.has_value(); }
    [[nodiscard]] std::optional<TimePoint> read_at() const { return read_at_; }  // config()

    // Calls `on_change` after each read that has changed something, until cancelled.
    [[nodiscard]] Task<> run(std::function<void()> on_change);

    // How long a text whose end of writing was not seen must stay the same. Half a configuration
    // can be a valid one, without what it protects.
    static constexpr Duration kQuiet = std::chrono::seconds{1};

private:
    using Text = std::optional<std::string>;  // absent: cannot be read

    struct Taken {
        Text text;
    };

    bool take(const Text& text);
    [[nodiscard]] bool is_taken(const Text& text) const { return taken_ && taken_->text == text; }

    std::string path_;
    std::optional<Taken> taken_;
    Text seen_;
    std::optional<TimePoint> unsettled_since_;  // boot_now()
    std::shared_ptr<const Config> config_;
    std::vector<std::string> problems_;
    std::optional<TimePoint> read_at_;
};

}  // namespace chaos::app
