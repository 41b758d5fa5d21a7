// The ChaosExperiment as the rest of the program sees it: decoded, validated, defaults filled in.
// Field meanings are in crd-schemas/chaosexperiment.yaml, the single source.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/fault.h"
#include "controller/api/probe.h"
#include "controller/api/schedule.h"
#include "controller/api/time.h"

namespace chaos {

inline constexpr std::string_view kApiVersion = "chaos.sutazai.com/v1";
inline constexpr std::string_view kKind = "ChaosExperiment";
inline constexpr std::string_view kStatusKind = "ChaosExperimentStatus";
inline constexpr std::string_view kRunIdAnnotation = "chaos.sutazai.com/run-id";
inline constexpr std::string_view kPausedAnnotation = "chaos.sutazai.com/paused";
// A container with this label set to "true" is never touched.
inline constexpr std::string_view kProtectedLabel = "chaos.sutazai.com/protected";
// Where the configuration requires opt-in, only containers with this label set to "true" are.
inline constexpr std::string_view kEnabledLabel = "chaos.sutazai.com/enabled";

// What global.experiment_timeout is where nobody sets it: the longest that spec.duration may be.
inline constexpr Duration kDefaultExperimentTimeout = std::chrono::minutes{30};

enum class Schedule { kOnce, kManual, kRecurring };
enum class ConcurrencyPolicy { kForbid, kReplace };
enum class OnNoTargets { kFail, kWait, kSkip };
enum class Targeting { kDynamic, kStatic };
enum class OnConflict { kReject, kQueue };
enum class Mode { kOne, kAll, kFixed, kFixedPercent, kRandomMaxPercent };
enum class Order { kSequential, kParallel };
enum class Intensity { kLow, kMedium, kHigh, kExtreme };

struct Metadata {
    std::string name;
    std::string description;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;

    friend bool operator==(const Metadata&, const Metadata&) = default;
};

// Ends a run when it is met; one that cannot be checked counts as met.
struct StopCondition {
    enum class Type { kHealthFraction, kCascadeDepth, kProbe };
    std::string name;
    Type type = Type::kHealthFraction;
    std::string probe;       // of kProbe: met while its last result is a failure
    std::string comparator;  // "<", "<=", …; of the observed figure with the threshold
    double threshold = 0;
    Duration duration{};  // for how long it must be met

    friend bool operator==(const StopCondition&, const StopCondition&) = default;
};

struct Safety {
    bool safe_mode = true;
    std::optional<std::int64_t> max_affected_services;
    std::optional<double> max_affected_percent;  // of the services matched, rounded down
    bool at_least_one = false;
    std::vector<StopCondition> stop_conditions;

    friend bool operator==(const Safety&, const Safety&) = default;
};

struct LabelExpression {
    enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;

    friend bool operator==(const LabelExpression&, const LabelExpression&) = default;
};

// All that is given must hold (AND); within a list any element suffices (OR).
struct Selector {
    std::vector<std::string> services;  // `exclude` only; container name, Compose service or glob
    std::vector<std::string> names;     // exact or glob
    std::optional<std::string> name_regex;
    std::map<std::string, std::string> labels;
    std::vector<LabelExpression> label_expressions;
    std::optional<std::string> compose_project;
    std::optional<std::string> compose_service;
    std::optional<std::string> image;  // exact or glob
    std::vector<std::string> networks;

    friend bool operator==(const Selector&, const Selector&) = default;
};

struct Target {
    std::optional<std::string> service;
    std::optional<Selector> selector;
    std::optional<Selector> exclude;
    double weight = 1;
    Mode mode = Mode::kOne;
    std::optional<std::int64_t> value;  // a count for kFixed, percent for the percent modes

    friend bool operator==(const Target&, const Target&) = default;
};

struct Repeat {
    std::int64_t count = 1;
    Duration interval{};

    friend bool operator==(const Repeat&, const Repeat&) = default;
};

struct Action {
    FaultSpec fault;
    std::vector<std::string> targets;  // empty: all; else the `service` of entries of spec.targets
    Duration start_after{};
    std::optional<Duration> duration;  // absent: until the end of the experiment
    std::optional<Intensity> intensity;
    std::optional<Repeat> repeat;  // instant faults only

    friend bool operator==(const Action&, const Action&) = default;
};

struct Scenario {
    std::string name;
    double probability = 1;
    Order order = Order::kSequential;
    std::vector<Action> actions;

    friend bool operator==(const Scenario&, const Scenario&) = default;
};

struct Spec {
    Duration duration{};
    Schedule schedule = Schedule::kOnce;
    std::optional<Recurrence> recurrence;  // of kRecurring
    std::string time_zone = "UTC";
    std::optional<Duration> starting_deadline;
    ConcurrencyPolicy concurrency_policy = ConcurrencyPolicy::kForbid;
    std::size_t history_limit = 10;
    std::optional<std::int64_t> seed;
    Duration recovery_timeout{std::chrono::minutes{2}};
    bool dry_run = false;
    OnNoTargets on_no_targets = OnNoTargets::kFail;
    Targeting targeting = Targeting::kDynamic;
    OnConflict on_conflict = OnConflict::kReject;
    Safety safety;
    std::vector<Target> targets;
    std::vector<Probe> probes;
    std::vector<Scenario> scenarios;

    friend bool operator==(const Spec&, const Spec&) = default;
};

struct Experiment {
    Metadata metadata;
    Spec spec;

    // The value of the run-id annotation; empty where there is none.
    [[nodiscard]] std::string run_id() const {
        const auto it = metadata.annotations.find(std::string{kRunIdAnnotation});
        return it == metadata.annotations.end() ? std::string{} : it->second;
    }

    [[nodiscard]] bool paused() const {
        const auto it = metadata.annotations.find(std::string{kPausedAnnotation});
        return it != metadata.annotations.end() && it->second == "true";
    }

    friend bool operator==(const Experiment&, const Experiment&) = default;
};

}  // namespace chaos
