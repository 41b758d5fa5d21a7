// When something recurs, as the manifests write it; read and computed by controller/schedule.
#pragma once

#include <bitset>
#include <string>
#include <variant>
#include <vector>

#include "controller/api/time.h"

namespace chaos {

// A five-field cron line: the minutes, hours and so on that match. Where both days of the month and
// days of the week are restricted either suffices, as in crontab(5).
struct Cron {
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;       // of the month, from 1
    std::bitset<13> months;     // from 1
    std::bitset<7> weekdays;    // 0 is Sunday
    bool every_day = true;      // the field for the day of the month begins with a *
    bool every_weekday = true;  // likewise for the day of the week

    friend bool operator==(const Cron&, const Cron&) = default;
};

struct Every {
    Duration interval{};

    friend bool operator==(const Every&, const Every&) = default;
};

// At random: the time between two runs is exponentially distributed with this mean.
struct Mean {
    Duration interval{};

    friend bool operator==(const Mean&, const Mean&) = default;
};

using Recurrence = std::variant<Cron, Every, Mean>;

// A time span that comes back on certain days: open from `start`, closed from `end` on; one that
// ends no later than it starts ends on the following day.
struct Window {
    std::bitset<7> days;  // on which it starts; 0 is Sunday
    std::chrono::minutes start{};
    std::chrono::minutes end{};
    std::string time_zone = "UTC";

    friend bool operator==(const Window&, const Window&) = default;
};

}  // namespace chaos
