// What an injection or an undo did, as read back.
#pragma once

#include <map>
#include <string>

#include "controller/api/time.h"

namespace chaos {

struct Effect {
    TimePoint at;
    std::map<std::string, std::string> evidence;
    bool put_back = false;  // an observation that found it missing, and mended that
};

}  // namespace chaos
