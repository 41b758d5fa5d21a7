#include "controller/config/decode.h"

#include <algorithm>
#include <array>

#include "controller/config/check.h"
#include "controller/config/monkey.h"
#include "controller/manifest/scalars.h"
#include "controller/manifest/validate.h"
#include "controller/manifest/yaml.h"

namespace chaos::config {
namespace {

using manifest::duration_at;
using manifest::integer_at;
using manifest::Node;
using manifest::number_at;
using manifest::string_at;
using manifest::strings_at;

bool flag_at(const Node& node, std::string_view key) { return node.text_at(key) == "true"; }

// The schema has vouched for "HH:MM".
std::chrono::minutes time_of_day(const std::string& text) {
    return std::chrono::hours{std::stoi(text.substr(0, 2))} +
           std::chrono::minutes{std::stoi(text.substr(3))};
}

std::bitset<7> days_of(const Node& node) {
    constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
    const auto names = strings_at(node, "days");
    std::bitset<7> days;
    for (std::size_t i = 0; i < kDays.size(); ++i) {
        days.set(i, names.empty() || std::ranges::find(names, kDays[i]) != names.end());
    }
    return days;
}

Window build_window(const Node& node, const std::string& zone) {
    return {.days = days_of(node),
            .start = time_of_day(node.text_at("start")),
            .end = time_of_day(node.text_at("end")),
            .time_zone = string_at(node, "time_zone").value_or(zone)};
}

SafetyConfig build_safety(const Node& node) {
    SafetyConfig safety;
    safety.min_healthy_services = *number_at(node, "min_healthy_services");
    safety.max_cpu_usage = *number_at(node, "max_cpu_usage");
    safety.max_memory_usage = *number_at(node, "max_memory_usage");
    safety.protected_services = strings_at(node, "protected_services");
    safety.critical_services = strings_at(node, "critical_services");
    safety.require_opt_in = flag_at(node, "require_opt_in");
    safety.time_zone = node.text_at("time_zone");
    for (const auto& window : node.find("maintenance_windows")->items) {
        safety.maintenance_windows.push_back(build_window(window, safety.time_zone));
    }
    safety.blackout_dates = strings_at(node, "blackout_dates");
    if (const Node* incidents = node.find("incidents")) {
        safety.incidents = {string_at(*incidents, "file"), string_at(*incidents, "alertmanager"),
                            strings_at(*incidents, "matchers")};
    }
    return safety;
}

// "NAME" or "NAME=WEIGHT"
std::pair<std::string, double> weighted(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return {text, 1};
    return {text.substr(0, equals), std::strtod(text.c_str() + equals + 1, nullptr)};
}

std::string pattern_of(const Node& node) {
    if (auto pattern = string_at(node, "schedule_pattern")) return *pattern;
    const auto frequency = node.text_at("frequency");
    if (frequency == "hourly") return "mean 1h";
    if (frequency == "daily") return "mean 24h";
    return frequency == "weekly" ? "mean 168h" : "mean 730h";  // a month of 365 / 12 days
}

MonkeySchedule build_schedule(const Node& node) {
    MonkeySchedule schedule;
    schedule.name = node.text_at("name");
    schedule.experiment_type = node.text_at("experiment_type");
    schedule.pattern = pattern_of(node);
    schedule.time_zone = node.text_at("time_zone");
    for (const auto& target : strings_at(node, "target_services")) {
        schedule.targets.push_back(weighted(target));
    }
    schedule.intensity = node.text_at("intensity");
    schedule.duration = *duration_at(node, "duration");
    schedule.safe_mode = flag_at(node, "safe_mode");
    schedule.enabled = flag_at(node, "enabled");
    schedule.probability = *number_at(node, "probability");
    return schedule;
}

MonkeyConfig build_monkey(const Node& node) {
    MonkeyConfig monkey;
    monkey.mode = parse_mode(node.text_at("mode"));
    monkey.seed = integer_at(node, "seed");
    monkey.min_spacing = *duration_at(node, "min_spacing");
    for (const auto& schedule : node.find("schedules")->items) {
        monkey.schedules.push_back(build_schedule(schedule));
    }
    return monkey;
}

Config build(const Node& root) {
    Config config;
    const Node& global = *root.find("global");
    config.global = {*integer_at(global, "max_concurrent_experiments"),
                     *duration_at(global, "experiment_timeout"),
                     *duration_at(global, "health_check_interval")};
    config.safety = build_safety(*root.find("safety"));
    const Node& dependencies = *root.find("dependencies");
    for (const auto& key : dependencies.keys) {
        config.dependencies[key.name] = strings_at(dependencies, key.name);
    }
    config.monkey = build_monkey(*root.find("chaos_monkey"));
    const Node& custom = *root.find("custom_actions");
    for (std::size_t i = 0; i < custom.keys.size(); ++i) {
        config.custom_actions[custom.keys[i].name] = {strings_at(custom.items[i], "inject"),
                                                      strings_at(custom.items[i], "undo"),
                                                      *duration_at(custom.items[i], "timeout")};
    }
    config.manifests = root.find("manifests")->text_at("directory");
    config.status_directory = root.find("manifests")->text_at("status_directory");
    config.listen = root.find("http")->text_at("listen");
    config.token_file = root.find("http")->text_at("token_file");
    config.docker_host = root.find("docker")->text_at("host");
    return config;
}

// Maps with free keys: the defaults of what stands behind each.
void fill_custom(Node& root) {
    const auto* schema = manifest::config_schema().property("custom_actions");
    for (auto& action : root.find("custom_actions")->items) {
        manifest::fill_defaults(action, *schema->additional);
    }
}

}  // namespace

Document decode(std::string_view text) {
    Document document;
    auto yaml = manifest::load_yaml(text);
    if (yaml.size() > 1) {
        document.problems.push_back(
            {yaml[1].root.mark, "", "found a second document, expected one configuration"});
        return document;
    }
    if (yaml.empty()) {
        document.problems.push_back(
            {{1, 1}, "", "found nothing, expected a configuration; {} is one with every default"});
        return document;
    }
    document.problems = std::move(yaml[0].problems);
    Node root = std::move(yaml[0].root);
    if (!document.problems.empty()) return document;
    manifest::validate(root, manifest::config_schema(), "", document.problems);
    if (!document.problems.empty()) return document;
    manifest::fill_defaults(root, manifest::config_schema());
    fill_custom(root);
    auto config = build(root);
    check(config, root, document.problems);
    if (document.problems.empty()) document.config = std::move(config);
    return document;
}

}  // namespace chaos::config
