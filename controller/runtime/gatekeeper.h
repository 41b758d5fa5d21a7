// Whom to spare and what may run, from the configuration and from what was last observed: the one
// place where the controller asks. The decisions themselves are pure (controller/safety).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/api/config.h"
#include "controller/runtime/reconciler.h"
#include "controller/safety/gates.h"
#include "controller/safety/host_usage.h"
#include "controller/safety/policy.h"

namespace chaos::runtime {

class Gatekeeper {
public:
    // `own_container`: the id of the container that the controller runs in; empty: in none.
    Gatekeeper(World& world, std::string own_container);

    void configure(std::shared_ptr<const Config> config);
    // The last valid one; all defaults, and everything closed, before the first.
    [[nodiscard]] const Config& config() const { return *config_; }
    [[nodiscard]] bool configured() const { return standing_.configured; }

    // Why everything is stopped; "" lets go.
    void halt(std::string why) { standing_.halted = std::move(why); }
    [[nodiscard]] const std::string& halted() const { return standing_.halted; }
    void drain() { standing_.draining = true; }
    // What only a restart brings into force: nothing begins before; "": nothing.
    void need_restart(std::string why) { standing_.restart = std::move(why); }
    [[nodiscard]] bool draining() const { return standing_.draining; }

    // What Alertmanager says; the last answer counts for kFresh.
    void note_alerts(Result<std::vector<std::string>> alerts);
    // The containers have changed.
    void look_again() { graph_stale_ = readings_stale_ = true; }

    // What an experiment is hitting: the keys of its services, the names of its containers. Empty:
    // it does not run.
    struct Hits {
        std::set<std::string> keys;
        std::set<std::string> names;
    };
    void note_hits(const std::string& experiment, Hits hits);

    // Gates closed to an experiment.
    [[nodiscard]] std::vector<safety::Closed> closed(const safety::Question& question);
    // What they go by, for those who want to tell; at most kReadingLife old.
    [[nodiscard]] const safety::Readings& readings();

    // `rested`: keys of services that the experiment must leave alone for a while.
    [[nodiscard]] const safety::Policy& policy(const std::string& experiment,
                                               std::set<std::string> rested);
    [[nodiscard]] const safety::Graph& graph();

    static constexpr Duration kReadingLife = std::chrono::milliseconds{100};
    // How long an answer of Alertmanager's, and the last sight of a lost engine, count.
    static constexpr Duration kFresh = std::chrono::seconds{15};

private:
    void refresh_graph();
    [[nodiscard]] std::set<std::string> hit_services(const std::string& but = {}) const;
    [[nodiscard]] std::set<std::string> hit_containers(const std::string& but) const;
    void take_incidents(TimePoint now);
    void take_host(TimePoint now);

    World& world_;
    std::shared_ptr<const Config> config_;
    safety::Standing standing_;
    safety::Policy policy_;
    bool graph_stale_ = true;
    std::map<std::string, Hits> hits_;  // by experiment
    safety::Readings readings_;
    std::optional<TimePoint> read_at_;
    bool readings_stale_ = true;
    safety::HostMeter meter_;
    Result<safety::HostUsage> host_ = fail(ErrorCode::kUnavailable, "not measured yet");
    std::optional<TimePoint> host_at_;
    std::optional<TimePoint> synced_at_;
    TimePoint settling_since_;
    Result<std::vector<std::string>> alerts_ = fail(ErrorCode::kUnavailable, "not asked yet");
    std::optional<TimePoint> alerts_at_;
};

}  // namespace chaos::runtime
