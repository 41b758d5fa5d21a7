#include "controller/run/timeline.h"

#include <algorithm>
#include <map>
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

// What overlaps an earlier fault of its kind on the same target prolongs it. Takes and gives them
// by begin.
std::vector<Interval> merge_overlaps(std::vector<Interval> intervals) {
    std::vector<Interval> merged;
    merged.reserve(intervals.size());
    std::map<std::pair<std::string, std::size_t>, std::size_t> last;  // target, kind -> in `merged`
    for (auto& interval : intervals) {
        // Network and stress faults combine instead.
        const bool alone = !is_supervised(interval.fault);
        if (!is_instant(interval.fault) && alone) {
            const auto [it, fresh] =
                last.try_emplace({interval.target, interval.fault.index()}, merged.size());
            if (!fresh && interval.begin < merged[it->second].end) {
                merged[it->second].end = std::max(merged[it->second].end, interval.end);
                continue;
            }
            it->second = merged.size();
        }
        merged.push_back(std::move(interval));
    }
    return merged;
}

class Builder {
public:
    Builder(const std::vector<Pick>& picks, Duration limit) : picks_(picks) {
        result_.limit = limit;
    }

    // Returns where the scenario ends.
    Duration add_scenario(const Scenario& scenario, Duration start) {
        Duration end = start;
        Duration next = start;
        for (std::size_t i = 0; i < scenario.actions.size(); ++i) {
            const auto& action = scenario.actions[i];
            const auto span = span_of(action, next, result_.limit);
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
        result_.intervals = merge_overlaps(std::move(result_.intervals));
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
            const Duration end = last ? result_.limit : begin + repeat.interval;
            push(action, id + "/" + std::to_string(k) + "@" + pick.name, pick, begin, end);
        }
    }

    void push(const Action& action, std::string id, const Pick& pick, Duration begin,
              Duration end) {
        if (begin >= result_.limit) return;
        const Duration stop = std::min(end, result_.limit);
        const Duration reach = is_instant(action.fault) ? begin : stop;
        result_.length = std::max(result_.length, reach);
        result_.intervals.push_back(
            {std::move(id), action.fault, pick.name, pick.service, begin, stop});
    }

    const std::vector<Pick>& picks_;
    Timeline result_;
};

Timeline build(const Spec& spec, std::uint64_t seed, const std::vector<Pick>& picks,
               Duration limit) {
    Builder builder{picks, limit};
    Duration next{};
    for (const auto& scenario : spec.scenarios) {
        const bool drawn = draw_unit(seed, "scenario", scenario.name) < scenario.probability;
        builder.draw(scenario, drawn);
        if (drawn) next = builder.add_scenario(scenario, next);
    }
    return builder.finish();
}

}  // namespace

// The duration counts from the first fault, so how long that lets wait is added to the limit.
Timeline timeline(const Spec& spec, std::uint64_t seed, const std::vector<Pick>& picks) {
    constexpr Duration kNoLimit = std::chrono::years{10};
    const auto unlimited = build(spec, seed, picks, kNoLimit);
    const auto& all = unlimited.intervals;
    return build(spec, seed, picks, spec.duration + (all.empty() ? Duration{0} : all[0].begin));
}

}  // namespace chaos::run
