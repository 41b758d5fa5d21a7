// The manifests directory as a running part: scans on hints and every 10 s, tells what changed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/asio/task_group.h"
#include "controller/source/desired.h"
#include "controller/source/watcher.h"

namespace chaos::source {

class DirectorySource {
public:
    struct Hooks {
        std::function<void(const Desired::Update&)> on_update;
        std::function<void(bool)> on_halt;  // after each look: whether the HALT file is there
        std::function<void(std::string)> on_warning;  // watching failed; the rescan goes on
    };

    DirectorySource(std::string root, Hooks hooks)
        : scanner_(std::move(root)), hooks_(std::move(hooks)) {}

    // Runs until cancelled.
    [[nodiscard]] Task<> run();

    // Takes other custom actions, and the experiments that no file holds, and looks again at once.
    void configure(CustomActions custom, Desired::Generated generated);

    [[nodiscard]] Desired& desired() { return desired_; }
    [[nodiscard]] const Desired& desired() const { return desired_; }
    // After the first scan.
    [[nodiscard]] bool ready() const { return ready_; }

private:
    // One scan; returns when to look again at the latest, if before the next rescan.
    std::optional<TimePoint> look(const std::set<std::string>& closed);
    [[nodiscard]] std::set<std::string> shown_paths(const std::set<std::string>& resolved) const;

    Scanner scanner_;
    Hooks hooks_;
    Desired desired_;
    std::optional<Watcher> watcher_;
    std::string last_warning_;
    bool ready_ = false;
};

}  // namespace chaos::source
