// The addresses behind hostnames, followed as they change.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/api/time.h"
#include "controller/asio/task_group.h"

namespace chaos::runtime {

class Hosts {
public:
    struct Hooks {
        std::function<void()> on_change;
        std::function<void(const std::string& name, const std::string& why)> on_failure;
    };
    // `tasks`: where names are resolved that nobody waits for.
    Hosts(TaskGroup& tasks, Hooks hooks) : tasks_(tasks), hooks_(std::move(hooks)) {}

    // By name; those that were asked for and have been resolved. A name behind which addresses take
    // turns has all that were seen lately: what a client has connected to does not go away with the
    // next answer.
    [[nodiscard]] const std::map<std::string, std::vector<std::string>>& addresses() const {
        return addresses_;
    }

    // Has a name resolved that is not known, by the host's own resolver, and then again from time
    // to time. Nobody waits for it, since that may take half a minute: on_change tells.
    void want(const std::string& name);

    // Resolves again what is known, until cancelled.
    [[nodiscard]] Task<> run();

private:
    struct Known {
        std::map<std::string, TimePoint> seen;  // address, when it was last in an answer
        std::string failure;                    // of the last answer, told once
        TimePoint asked_for;                    // by want(): nobody resolves for nobody
    };

    [[nodiscard]] Task<> resolve(std::string name);

    TaskGroup& tasks_;
    Hooks hooks_;
    std::map<std::string, Known> known_;
    std::map<std::string, std::vector<std::string>> addresses_;
};

}  // namespace chaos::runtime
