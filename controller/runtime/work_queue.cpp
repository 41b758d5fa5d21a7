#include "controller/runtime/work_queue.h"

#include <algorithm>

namespace chaos::runtime {

void WorkQueue::add(const std::string& key, bool urgent) {
    if (working_.contains(key)) {
        again_[key] = again_[key] || urgent;
        return;
    }
    if (!queued_.insert(key).second) {
        const auto waiting = std::ranges::find(normal_, key);
        if (!urgent || waiting == normal_.end()) return;
        normal_.erase(waiting);
    }
    (urgent ? urgent_ : normal_).push_back(key);
}

void WorkQueue::add_at(const std::string& key, TimePoint time) {
    const auto [it, added] = later_.emplace(key, time);
    if (!added) it->second = std::min(it->second, time);
}

void WorkQueue::promote(TimePoint now) {
    for (auto it = later_.begin(); it != later_.end();) {
        if (it->second > now) {
            ++it;
            continue;
        }
        // What comes due is mostly the end of a fault.
        const auto key = it->first;
        it = later_.erase(it);
        add(key, true);
    }
}

std::optional<std::string> WorkQueue::take(TimePoint now, bool urgent_only) {
    promote(now);
    auto& queue = !urgent_.empty() || urgent_only ? urgent_ : normal_;
    if (queue.empty()) return std::nullopt;
    auto key = std::move(queue.front());
    queue.pop_front();
    queued_.erase(key);
    working_.insert(key);
    return key;
}

void WorkQueue::done(const std::string& key) {
    working_.erase(key);
    const auto it = again_.find(key);
    if (it == again_.end()) return;
    const bool urgent = it->second;
    again_.erase(it);
    add(key, urgent);
}

std::optional<TimePoint> WorkQueue::next_time() const {
    std::optional<TimePoint> next;
    for (const auto& [key, time] : later_) {
        if (!next || time < *next) next = time;
    }
    return next;
}

}  // namespace chaos::runtime
