#include "reconcilers/stressor/pids.h"

#include <limits.h>

#include <algorithm>

#include "reconcilers/stress/spare.h"

namespace chaos::stressor {
namespace {

constexpr std::uint64_t kLargestStep = 1000;

}  // namespace

PidGoal pid_goal(const stress::Orders& orders, const PidFacts& facts) {
    std::uint64_t goal = orders.pids_count;
    if (orders.pids_share > 0) {
        goal = stress::goal_of_share(orders.pids_share, facts.levels, facts.held);
    }
    const auto most = stress::most_of(facts.host, facts.held);
    return goal > most ? PidGoal{most, true} : PidGoal{goal, false};
}

void* PidHog::sleep(void* self) {
    const auto& sleeper = *static_cast<Sleeper*>(self);
    auto& hog = *sleeper.hog;
    std::unique_lock lock{hog.mutex_};
    hog.changed_.wait(lock, [&] { return sleeper.number >= hog.wanted_; });
    return nullptr;
}

void PidHog::want(std::uint64_t count) {
    const std::lock_guard lock{mutex_};
    // Those that are to sleep on are not woken.
    if (count < wanted_) changed_.notify_all();
    wanted_ = count;
}

void PidHog::grow() {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, std::max<std::size_t>(PTHREAD_STACK_MIN, 16384));
    auto& sleeper = sleepers_.emplace_back(Sleeper{this, held(), {}});
    error_ = ::pthread_create(&sleeper.thread, &attributes, sleep, &sleeper);
    if (error_ != 0) sleepers_.pop_back();
    ::pthread_attr_destroy(&attributes);
}

void PidHog::step(std::uint64_t goal) {
    want(goal);
    error_ = 0;
    while (held() > goal) {
        ::pthread_join(sleepers_.back().thread, nullptr);
        sleepers_.pop_back();
    }
    for (std::uint64_t i = 0; i < kLargestStep && held() < goal && error_ == 0; ++i) grow();
}

}  // namespace chaos::stressor
