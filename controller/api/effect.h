// What an injection or an undo did, as read back.
#pragma once

#include <map>
#include <string>

#include "controller/api/time.h"

namespace chaos {

struct Effect {
    TimePoint at;
    std::map<std::string, std::string> evidence;
};

}  // namespace chaos
