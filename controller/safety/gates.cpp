#include "controller/safety/gates.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "controller/schedule/windows.h"

namespace chaos::safety {
namespace {

std::string figure(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
    return text;
}

class Gates {
public:
    // `wait`: what is not known yet closes no gate.
    Gates(const Config& config, bool wait, TimePoint now)
        : safety_(config.safety), wait_(wait), now_(now) {}

    void look_at_standing(const Standing& standing, bool begun) {
        if (!standing.halted.empty()) {
            close("EmergencyStop",
                  standing.halted + "; chaosctl resume lets experiments run again");
        }
        if (!standing.configured) {
            close("ConfigInvalid", "no valid configuration has been read since the start");
        }
        if (!standing.restart.empty() && !begun) {
            close("RestartNeeded", standing.restart + "; restart the controller");
        }
        if (standing.draining && !begun) {
            close("Stopping", "chaosctl stop: running experiments end, no other begins");
        }
    }

    void look_at_calendar(const Question& question) {
        for (const auto& text : safety_.blackout_dates) {
            const auto blackout = schedule::parse_blackout(text);
            if (blackout && !schedule::covers(*blackout, safety_.time_zone, now_)) continue;
            close("Blackout", "safety.blackout_dates: " + text);
        }
        const auto& windows = safety_.maintenance_windows;
        const bool open = std::ranges::any_of(
            windows, [&](const Window& window) { return schedule::is_open(window, now_); });
        if (question.safe_mode || open) return;
        const auto next = schedule::next_opening(windows, now_);
        close("OutsideWindow", "safe_mode is false and no maintenance window is open; " +
                                   (next ? "the next one opens at " + format_time(*next)
                                         : "safety.maintenance_windows has none"));
    }

    void look_at_incidents(const Readings& readings) {
        if (!readings.incidents) {
            if (!wait_) close("IncidentsUnknown", readings.incidents_error);
        } else if (!readings.incidents->empty()) {
            close("Incident", "ongoing: " + some_of(*readings.incidents));
        }
    }

    void look_at_host(const Readings& readings) {
        if (!readings.host) {
            if (!wait_ && (safety_.max_cpu_usage < 100 || safety_.max_memory_usage < 100)) {
                close("HostUnknown", readings.host_error);
            }
            return;
        }
        if (readings.host->cpu_percent > safety_.max_cpu_usage) {
            close("CpuUsage", "the host's CPU usage is " + figure(readings.host->cpu_percent) +
                                  " %, expected at most " + figure(safety_.max_cpu_usage) +
                                  " (safety.max_cpu_usage)");
        }
        if (readings.host->memory_percent > safety_.max_memory_usage) {
            close("MemoryUsage", "the host's memory usage is " +
                                     figure(readings.host->memory_percent) +
                                     " %, expected at most " + figure(safety_.max_memory_usage) +
                                     " (safety.max_memory_usage)");
        }
    }

    void look_at_services(const Readings& readings) {
        if (safety_.min_healthy_services <= 0) return;
        if (!readings.health) {
            if (!wait_) close("HealthUnknown", "the Docker engine does not answer");
            return;
        }
        const auto& health = *readings.health;
        if (health.fraction() >= safety_.min_healthy_services) return;
        close("UnhealthyServices",
              std::to_string(health.healthy) + " of " + std::to_string(health.total) +
                  " services are healthy (" + figure(100 * health.fraction()) +
                  " %), expected at least " + figure(100 * safety_.min_healthy_services) +
                  " % (safety.min_healthy_services); ill: " + some_of(health.ill));
    }

    void look_at_concurrency(const Config& config, const Question& question) {
        const auto most = static_cast<std::size_t>(config.global.max_concurrent_experiments);
        if (question.begun || question.running < most) return;
        close("Concurrency", std::to_string(question.running) + " of at most " +
                                 std::to_string(most) +
                                 " experiments are running (global.max_concurrent_experiments)");
    }

    std::vector<Closed> take() { return std::move(closed_); }

private:
    void close(std::string reason, std::string message) {
        closed_.push_back({std::move(reason), std::move(message)});
    }

    const SafetyConfig& safety_;
    bool wait_;
    TimePoint now_;
    std::vector<Closed> closed_;
};

}  // namespace

std::vector<Closed> closed_gates(const Config& config, const Standing& standing,
                                 const Readings& readings, const Question& question,
                                 TimePoint now) {
    Gates gates{config, question.begun && readings.settling, now};
    gates.look_at_standing(standing, question.begun);
    gates.look_at_calendar(question);
    gates.look_at_incidents(readings);
    gates.look_at_services(readings);
    gates.look_at_host(readings);
    gates.look_at_concurrency(config, question);
    return gates.take();
}

std::vector<std::string_view> gate_reasons() {
    return {"EmergencyStop",     "ConfigInvalid", "RestartNeeded",  "Stopping",
            "Blackout",          "OutsideWindow", "Incident",       "IncidentsUnknown",
            "UnhealthyServices", "HealthUnknown", "CpuUsage",       "MemoryUsage",
            "HostUnknown",       "Concurrency",   "TargetUnhealthy"};
}

}  // namespace chaos::safety
