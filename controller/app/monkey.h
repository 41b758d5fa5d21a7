// The chaos monkey: which mode it is in, and the experiments that follow from it.
#pragma once

#include <optional>
#include <string>

#include "controller/api/config.h"
#include "controller/runtime/controller.h"
#include "controller/source/desired.h"

namespace chaos::app {

class Monkey {
public:
    explicit Monkey(runtime::Controller& controller) : controller_(controller) {}

    // What a person asks for; it holds over restarts. Errors: kConflict (the configuration has
    // disabled it, or has no schedules).
    [[nodiscard]] Result<std::string> start(const Config& config, MonkeyMode mode);
    [[nodiscard]] Result<std::string> stop();

    // The mode in force: the one asked for, else the configuration's; absent: no monkey.
    [[nodiscard]] std::optional<MonkeyMode> mode(const Config& config) const;
    // Its experiments, as if they stood in `directory`.
    [[nodiscard]] source::Desired::Generated experiments(const Config& config,
                                                         const std::string& directory) const;

private:
    runtime::Controller& controller_;
};

}  // namespace chaos::app
