// Actions that users define in the configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/api/time.h"

namespace chaos {

struct CustomAction {
    std::vector<std::string> inject;  // program and arguments
    std::vector<std::string> undo;    // empty: it happens at once and has no end
    Duration timeout = std::chrono::seconds{30};

    friend bool operator==(const CustomAction&, const CustomAction&) = default;
};

using CustomActions = std::map<std::string, CustomAction, std::less<>>;  // by action type

// With all that it takes to undo it, whatever becomes of the configuration.
struct CustomFault {
    std::string name;
    CustomAction action;
    std::string parameters;  // JSON, as the manifest has them

    friend bool operator==(const CustomFault&, const CustomFault&) = default;
};

}  // namespace chaos
