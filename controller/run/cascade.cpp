#include "controller/run/cascade.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "controller/run/steady.h"
#include "controller/safety/graph.h"
#include "controller/safety/health.h"

namespace chaos::run {
namespace {

using Distances = std::map<std::string, int>;

// The dependents of all that was chosen, with their distance from the nearest of it.
Distances dependents_of(const std::set<std::string>& hit, const safety::Graph& graph) {
    Distances all;
    for (const auto& key : hit) {
        for (const auto& [dependent, distance] : graph.dependents(key)) {
            if (hit.contains(dependent)) continue;
            auto& nearest = all.emplace(dependent, distance).first->second;
            nearest = std::min(nearest, distance);
        }
    }
    return all;
}

bool is_ill(const std::map<std::string, bool>& health, const std::string& key) {
    const auto it = health.find(key);
    return it != health.end() && !it->second;
}

void note_illness(Run& run, const std::string& key, int depth, bool ill, TimePoint now) {
    const auto open = std::ranges::find_if(
        run.suffered, [&](const Suffered& s) { return s.service == key && !s.until; });
    if (ill && open == run.suffered.end()) {
        run.suffered.push_back({key, depth, now, {}});
        run.add_event(now, true, "DependentIll",
                      key + ", which depends on a target at distance " + std::to_string(depth) +
                          ", is not healthy");
    } else if (!ill && open != run.suffered.end()) {
        open->until = now;
        run.add_event(now, false, "DependentWell",
                      key + " is healthy again after " + humanize_duration(now - open->since));
    }
}

std::string figure(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

bool compare(double found, const std::string& comparator, double threshold) {
    if (comparator == "<") return found < threshold;
    if (comparator == "<=") return found <= threshold;
    if (comparator == ">") return found > threshold;
    if (comparator == ">=") return found >= threshold;
    if (comparator == "==") return found == threshold;
    return found != threshold;
}

// What the condition looks at; absent where it is not known, which counts as met.
std::optional<double> observed(const StopCondition& condition, const Run& run, const Facts& facts) {
    if (condition.type == StopCondition::Type::kCascadeDepth) return cascade_depth(run);
    if (condition.type == StopCondition::Type::kProbe) {
        const auto* result = during(facts, condition.probe);
        return result == nullptr || *result->last ? 0 : 1;
    }
    if (!facts.world.synced) return std::nullopt;
    const auto health = safety::service_health(facts.world.containers);
    return safety::count_health(health, hit_services(run)).fraction();
}

std::string words_of(const StopCondition& condition, std::optional<double> found) {
    if (condition.type == StopCondition::Type::kProbe) {
        return "stop condition " + (condition.name.empty() ? "probe" : condition.name) +
               ": probe " + condition.probe + " fails";
    }
    const bool depth = condition.type == StopCondition::Type::kCascadeDepth;
    const auto name = condition.name.empty()
                          ? std::string{depth ? "cascade_depth" : "health_fraction"}
                          : condition.name;
    return "stop condition " + name + ": " +
           (found ? "found " + figure(*found) + " " + condition.comparator + " " +
                        figure(condition.threshold)
                  : std::string{"it cannot be checked"});
}

}  // namespace

std::set<std::string> hit_services(const Run& run) {
    std::set<std::string> keys;
    for (const auto& target : run.targets) {
        keys.insert(safety::service_key(target.project, target.service));
    }
    return keys;
}

void track_cascade(Run& run, const Facts& facts) {
    if (!facts.world.synced || run.targets.empty() || !facts.world.policy.graph.has_edges()) return;
    const auto dependents = dependents_of(hit_services(run), facts.world.policy.graph);
    if (dependents.empty()) return;
    const auto health = safety::service_health(facts.world.containers);
    const bool before = !run.start_time;
    if (before) run.ill_before.clear();
    for (const auto& [key, depth] : dependents) {
        const bool ill = is_ill(health, key);
        const auto known = std::ranges::find(run.ill_before, key);
        if (before) {
            if (ill) run.ill_before.push_back(key);
        } else if (known != run.ill_before.end()) {
            if (!ill) run.ill_before.erase(known);
        } else {
            note_illness(run, key, depth, ill, facts.now);
        }
    }
}

int cascade_depth(const Run& run) {
    int depth = 0;
    for (const auto& suffered : run.suffered) depth = std::max(depth, suffered.depth);
    return depth;
}

std::vector<std::string> still_ill(const Run& run) {
    std::vector<std::string> keys;
    for (const auto& suffered : run.suffered) {
        if (!suffered.until) keys.push_back(suffered.service);
    }
    return keys;
}

std::optional<std::string> met_condition(Run& run, const Facts& facts) {
    const auto& conditions = facts.spec.safety.stop_conditions;
    run.conditions_since.resize(conditions.size());
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        const auto& condition = conditions[i];
        const auto found = observed(condition, run, facts);
        auto& since = run.conditions_since[i];
        const bool met = condition.type == StopCondition::Type::kProbe
                             ? found != 0
                             : !found || compare(*found, condition.comparator, condition.threshold);
        if (!met) {
            since.reset();
            continue;
        }
        if (!since) since = facts.now;
        if (facts.now >= *since + condition.duration) return words_of(condition, found);
    }
    return std::nullopt;
}

std::optional<TimePoint> condition_due(const Run& run, const Facts& facts) {
    const auto& conditions = facts.spec.safety.stop_conditions;
    std::optional<TimePoint> first;
    for (std::size_t i = 0; i < std::min(conditions.size(), run.conditions_since.size()); ++i) {
        if (!run.conditions_since[i]) continue;
        const auto due = *run.conditions_since[i] + conditions[i].duration;
        if (!first || due < *first) first = due;
    }
    return first;
}

}  // namespace chaos::run
