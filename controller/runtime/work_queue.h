// Keys to reconcile, with the semantics of controller-runtime's queue: a key waits once however
// often it is added, is never worked on twice at a time, and comes again if it was added meanwhile.
// Keys that undo something go ahead of all others. A plain data structure; time is an argument.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/api/time.h"

namespace chaos::runtime {

class WorkQueue {
public:
    void add(const std::string& key, bool urgent = false);
    // Not before `time`; the earliest of several counts. An add() before that does not cancel it.
    void add_at(const std::string& key, TimePoint time);

    // The next key to work on, marked as in work; `urgent_only` leaves the others where they are.
    [[nodiscard]] std::optional<std::string> take(TimePoint now, bool urgent_only = false);
    // The work on a key has ended.
    void done(const std::string& key);

    [[nodiscard]] std::optional<TimePoint> next_time() const;
    [[nodiscard]] std::size_t waiting() const { return urgent_.size() + normal_.size(); }
    [[nodiscard]] std::size_t in_work() const { return working_.size(); }

private:
    void promote(TimePoint now);

    std::deque<std::string> urgent_;
    std::deque<std::string> normal_;
    std::set<std::string> queued_;
    std::set<std::string> working_;
    std::map<std::string, bool> again_;  // added while in work; the value: urgently
    std::map<std::string, TimePoint> later_;
};

}  // namespace chaos::runtime
