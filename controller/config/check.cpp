#include "controller/config/check.h"

#include <set>

#include "controller/config/monkey.h"
#include "controller/manifest/decode.h"
#include "controller/manifest/schema.h"

namespace chaos::config {
namespace {

using manifest::Node;

class Checker {
public:
    Checker(const Config& config, const Node& root, std::vector<manifest::Diagnostic>& problems)
        : config_(config), root_(root), problems_(problems) {}

    void run() {
        check_custom_actions();
        check_monkey();
        check_windows();
        const Node& notifications = *root_.find("notifications");
        if (!notifications.items.empty()) {
            report(notifications, "notifications", "not supported in this version");
        }
        if (config_.global.experiment_timeout <= Duration{0}) {
            report(*root_.at("global", "experiment_timeout"), "global.experiment_timeout",
                   "expected more than 0");
        }
    }

private:
    void report(const Node& node, std::string path, std::string message) {
        problems_.push_back({node.mark, std::move(path), std::move(message)});
    }

    void check_windows() {
        const Node& windows = *root_.at("safety", "maintenance_windows");
        for (std::size_t i = 0; i < windows.items.size(); ++i) {
            const auto& window = config_.safety.maintenance_windows[i];
            if (window.start < std::chrono::hours{24}) continue;
            report(*windows.items[i].find("start"),
                   "safety.maintenance_windows[" + std::to_string(i) + "].start",
                   "found 24:00, expected a time before it; the next day begins at 00:00");
        }
    }

    void check_program(const Node& node, const std::string& path) {
        const auto& program = node.items.at(0).scalar;
        if (program.starts_with('/')) return;
        report(node.items.at(0), path + "[0]",
               "found " + node.items.at(0).describe() +
                   ", expected the absolute path of a program; there is no shell and no PATH");
    }

    // One that hangs holds up the end of its fault for that long.
    void check_timeout(const CustomAction& action, const Node& node, const std::string& path) {
        constexpr Duration kLongest = std::chrono::minutes{10};
        if (action.timeout > Duration{0} && action.timeout <= kLongest) return;
        report(*node.find("timeout"), path + ".timeout",
               "found " + node.text_at("timeout") + ", expected more than 0 and at most 10m");
    }

    void check_custom_actions() {
        const Node& actions = *root_.find("custom_actions");
        for (std::size_t i = 0; i < actions.keys.size(); ++i) {
            const auto& key = actions.keys[i];
            const auto path = "custom_actions." + key.name;
            const bool plain = key.name.find_first_not_of(
                                   "abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos &&
                               !key.name.empty() && key.name.size() <= 40;
            if (!plain) {
                problems_.push_back({key.mark, path,
                                     "found \"" + key.name +
                                         "\", expected a name of at most 40 characters of a-z, "
                                         "0-9 and _"});
            }
            if (manifest::crd().action(key.name) != nullptr) {
                problems_.push_back({key.mark, path,
                                     "there is an action type of that name already, expected "
                                     "another name"});
            }
            check_timeout(config_.custom_actions.at(key.name), actions.items[i], path);
            for (const auto* part : {"inject", "undo"}) {
                const Node* argv = actions.items[i].find(part);
                if (argv != nullptr) check_program(*argv, path + "." + part);
            }
        }
    }

    // As the experiment that it makes: what would be wrong with that is wrong with it.
    void check_schedule(const MonkeySchedule& schedule, const Node& node, const std::string& path) {
        for (const auto& document : manifest::decode(manifest_of(schedule, MonkeyMode::kProduction),
                                                     config_.custom_actions)) {
            if (document.problems.empty()) continue;
            const auto& problem = document.problems.front();
            const bool type = problem.path.ends_with(".type");
            report(type ? *node.find("experiment_type") : node,
                   path + (type ? ".experiment_type" : ""),
                   problem.message + (type ? "" : " (" + problem.path + " of its experiment)"));
        }
    }

    void check_monkey() {
        const Node& schedules = *root_.at("chaos_monkey", "schedules");
        std::set<std::string> names;
        for (std::size_t i = 0; i < schedules.items.size(); ++i) {
            const Node& node = schedules.items[i];
            const auto& schedule = config_.monkey.schedules[i];
            const auto path = "chaos_monkey.schedules[" + std::to_string(i) + "]";
            if (!names.insert(schedule.name).second) {
                report(*node.find("name"), path + ".name",
                       "duplicate name \"" + schedule.name + "\"");
            }
            const bool both = node.find("frequency") != nullptr;
            const bool pattern = node.find("schedule_pattern") != nullptr;
            if (both == pattern) {
                report(node, path,
                       std::string{"found "} + (pattern ? "both" : "neither") +
                           " frequency and schedule_pattern, expected one of them");
                continue;
            }
            if (schedule.pattern == "once" || schedule.pattern == "manual") {
                report(*node.find("schedule_pattern"), path + ".schedule_pattern",
                       "found \"" + schedule.pattern + "\", expected a schedule that recurs");
                continue;
            }
            for (const auto& [service, weight] : schedule.targets) {
                if (weight > 0 && !service.empty()) continue;
                report(*node.find("target_services"), path + ".target_services",
                       "expected NAME or NAME=WEIGHT with a weight above 0");
            }
            check_schedule(schedule, node, path);
        }
    }

    const Config& config_;
    const Node& root_;
    std::vector<manifest::Diagnostic>& problems_;
};

}  // namespace

void check(const Config& config, const Node& root, std::vector<manifest::Diagnostic>& problems) {
    Checker{config, root, problems}.run();
}

}  // namespace chaos::config
