// What a stress fault has done, read from the container's control group and from its stressor's
// report. Pure.
#pragma once

#include <map>
#include <string>

#include "controller/api/stress.h"
#include "controller/api/time.h"
#include "reconcilers/stress/plan.h"

namespace chaos::stress {

// What a stressor has reported, at one moment.
struct Held {
    std::uint64_t cpu_ns = 0;  // used by the stressor itself
    std::uint64_t cpu_workers = 0;
    std::uint64_t memory = 0;
    std::uint64_t memory_goal = 0;  // what it should come to
    std::uint64_t io_read = 0;
    std::uint64_t io_written = 0;
    std::uint64_t fill = 0;
    std::uint64_t pids = 0;
    std::uint64_t pids_goal = 0;
    bool lacks_threads = false;
    // Why there is less than was asked for; "": there is not.
    std::string memory_error;
    std::string io_error;
    std::string fill_error;
    std::string pids_error;

    friend bool operator==(const Held&, const Held&) = default;
};

[[nodiscard]] Held held_by(const Report& report);

struct Look {
    TimePoint at;  // by the boot clock
    Usage usage;
    Held held;
    Limits limits;
    int cpus = 1;
    std::optional<Space> space;
};

// Counts of before an earlier stressor of the same fault and life, whose evidence is at hand, are
// added: `first` is moved back by them.
void add_earlier(Look& first, const std::map<std::string, std::string>& evidence);

// Rates are of the time between `before` and `now`, counts since `first`. "effect" is among it once
// the stressor itself has done everything that was asked for, and its control group bears it out.
[[nodiscard]] std::map<std::string, std::string> evidence_of(const StressFault& fault,
                                                             const Orders& orders,
                                                             const Look& first, const Look& before,
                                                             const Look& now);

}  // namespace chaos::stress
