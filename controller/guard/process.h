// The guard as the controller sees it: a child that is always there.
#pragma once

#include <string>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/time.h"
#include "controller/asio/task_group.h"

namespace chaos::guard {

class Process {
public:
    // `arguments`: what this program's guard mode is called with, without the pidfd.
    explicit Process(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

    // Errors: kUnavailable (no process, no pidfd).
    [[nodiscard]] Result<> start();
    // Starts it again whenever it ends, until cancelled.
    [[nodiscard]] Task<> keep_alive();

private:
    std::vector<std::string> arguments_;
    int pid_ = -1;
};

}  // namespace chaos::guard
