// chaos-config.yaml as the rest of the program sees it: decoded, validated, defaults filled in.
// Field meanings are in crd-schemas/chaosconfig.yaml, the single source.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/experiment.h"
#include "controller/api/schedule.h"

namespace chaos {

struct GlobalConfig {
    std::int64_t max_concurrent_experiments = 1;
    Duration experiment_timeout = kDefaultExperimentTimeout;
    Duration health_check_interval = std::chrono::seconds{60};

    friend bool operator==(const GlobalConfig&, const GlobalConfig&) = default;
};

struct IncidentsConfig {
    std::optional<std::string> file;
    std::optional<std::string> alertmanager;
    std::vector<std::string> matchers;

    friend bool operator==(const IncidentsConfig&, const IncidentsConfig&) = default;
};

struct SafetyConfig {
    double min_healthy_services = 0.8;  // fraction
    double max_cpu_usage = 85;          // percent of the host
    double max_memory_usage = 90;
    std::vector<std::string> protected_services;
    std::vector<std::string> critical_services;
    bool require_opt_in = false;
    std::string time_zone = "UTC";
    std::vector<Window> maintenance_windows;
    std::vector<std::string> blackout_dates;
    IncidentsConfig incidents;

    friend bool operator==(const SafetyConfig&, const SafetyConfig&) = default;
};

enum class MonkeyMode { kDisabled, kSafe, kProduction, kAggressive };

struct MonkeySchedule {
    std::string name;
    std::string experiment_type;
    std::string pattern;  // of a schedule
    std::string time_zone = "UTC";
    std::vector<std::pair<std::string, double>> targets;  // and their weights
    std::string intensity = "low";
    Duration duration = std::chrono::minutes{1};
    bool safe_mode = true;
    bool enabled = true;
    double probability = 1;

    friend bool operator==(const MonkeySchedule&, const MonkeySchedule&) = default;
};

struct MonkeyConfig {
    std::optional<MonkeyMode> mode;
    std::optional<std::int64_t> seed;
    Duration min_spacing = std::chrono::minutes{10};
    std::vector<MonkeySchedule> schedules;

    friend bool operator==(const MonkeyConfig&, const MonkeyConfig&) = default;
};

struct Config {
    GlobalConfig global;
    SafetyConfig safety;
    std::map<std::string, std::vector<std::string>> dependencies;  // service → what it depends on
    MonkeyConfig monkey;
    CustomActions custom_actions;
    std::string manifests;  // these: empty where the command line decides
    std::string status_directory;
    std::string listen;
    std::string token_file;
    std::string docker_host;

    friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace chaos
