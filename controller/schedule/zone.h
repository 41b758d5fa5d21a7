// The one place that knows the library of time zones.
#pragma once

#include <date/tz.h>

#include <string_view>

namespace chaos::schedule {

// Null where the system knows none of that name. Its changes of the clock are known until 2037, as
// far as the system's files list them one by one.
[[nodiscard]] const date::time_zone* find_zone(std::string_view name);

}  // namespace chaos::schedule
