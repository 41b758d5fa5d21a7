#include "controller/run/timeline.h"

#include <algorithm>
#include <tuple>

#include "controller/run/random.h"

namespace chaos::run {
namespace {

bool applies(const Action& action, const Pick& pick) {
    if (action.targets.empty()) return true;
    return std::ranges::any_of(action.targets, [&](const auto& wanted) {
        return std::ranges::find(pick.via, wanted) != pick.via.end();
    });
}

// The offsets of one action, before it is applied to targets.
struct Span {
    Duration begin;
    Duration end;  // of the whole action; for instants the last repetition's begin
};

Span span_of(const Action& action, Duration start, Duration limit) {
    const Duration begin = start + action.start_after;
    if (is_instant(action.fault)) {
        const auto repeat = action.repeat.value_or(Repeat{});
        return {begin, begin + repeat.interval * (repeat.count - 1)};
    }
    return {begin, action.duration ? std::min(begin + *action.duration, limit) : limit};
}

class Builder {
public:
    Builder(const Spec& spec, const std::vector<Pick>& picks) : spec_(spec), picks_(picks) {}

    // Returns where the scenario ends.
    Duration add_scenario(const Scenario& scenario, Duration start) {
        Duration end = start;
        Duration next = start;
        for (std::size_t i = 0; i < scenario.actions.size(); ++i) {
            const auto& action = scenario.actions[i];
            const auto span = span_of(action, next, spec_.duration);
            const auto id = scenario.name + "/" + std::to_string(i) + ":" +
                            std::string{type_name(action.fault)};
            for (const auto& pick : picks_) {
                if (applies(action, pick)) add(action, id, pick, span);
            }
            end = std::max(end, span.end);
            if (scenario.order == Order::kSequential) next = span.end;
        }
        return end;
    }

    Timeline finish() {
        std::ranges::sort(result_.intervals, [](const Interval& a, const Interval& b) {
            return std::tie(a.begin, a.id) < std::tie(b.begin, b.id);
        });
        return std::move(result_);
    }

    void draw(const Scenario& scenario, bool drawn) {
        result_.scenarios.push_back({scenario.name, drawn});
    }

private:
    void add(const Action& action, const std::string& id, const Pick& pick, Span span) {
        if (!is_instant(action.fault)) {
            push(action, id + "@" + pick.name, pick, span.begin, span.end);
            return;
        }
        const auto repeat = action.repeat.value_or(Repeat{});
        for (std::int64_t k = 0; k < repeat.count; ++k) {
            const Duration begin = span.begin + repeat.interval * k;
            const bool last = k + 1 == repeat.count;
            const Duration end = last ? spec_.duration : begin + repeat.interval;
            push(action, id + "/" + std::to_string(k) + "@" + pick.name, pick, begin, end);
        }
    }

    void push(const Action& action, std::string id, const Pick& pick, Duration begin,
              Duration end) {
        if (begin >= spec_.duration) return;
        const Duration stop = std::min(end, spec_.duration);
        const Duration reach = is_instant(action.fault) ? begin : stop;
        result_.length = std::max(result_.length, reach);
        result_.intervals.push_back(
            {std::move(id), action.fault, pick.name, pick.service, begin, stop});
    }

    const Spec& spec_;
    const std::vector<Pick>& picks_;
    Timeline result_;
};

}  // namespace

Timeline timeline(const Spec& spec, std::uint64_t seed, const std::vector<Pick>& picks) {
    Builder builder{spec, picks};
    Duration next{};
    for (const auto& scenario : spec.scenarios) {
        const bool drawn = draw_unit(seed, "scenario", scenario.name) < scenario.probability;
        builder.draw(scenario, drawn);
        if (drawn) next = builder.add_scenario(scenario, next);
    }
    return builder.finish();
}

}  // namespace chaos::run
