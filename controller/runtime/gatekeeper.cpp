#include "controller/runtime/gatekeeper.h"

#include "controller/api/clock.h"
#include "controller/safety/incidents.h"

namespace chaos::runtime {
namespace {

// The kernel counts in ticks of 10 ms: a shorter span would say nothing.
constexpr Duration kSampleInterval = std::chrono::milliseconds{500};
constexpr Duration kFirstSpan = std::chrono::milliseconds{100};

}  // namespace

Gatekeeper::Gatekeeper(World& world, std::string own_container)
    : world_(world), config_(std::make_shared<const Config>()), settling_since_(boot_now()) {
    standing_.configured = false;
    policy_.own_container = std::move(own_container);
}

void Gatekeeper::configure(std::shared_ptr<const Config> config) {
    const bool other_source = config_->safety.incidents != config->safety.incidents;
    config_ = std::move(config);
    standing_.configured = true;
    if (other_source) {
        alerts_ = fail(ErrorCode::kUnavailable, "not asked yet");
        alerts_at_.reset();
        settling_since_ = boot_now();
    }
    policy_.safety = config_->safety;
    look_again();
}

void Gatekeeper::note_alerts(Result<std::vector<std::string>> alerts) {
    const auto now = boot_now();  // which nobody steps
    const bool still_counts = alerts_ && alerts_at_ && now < *alerts_at_ + kFresh;
    if (!alerts && still_counts) return;
    alerts_ = std::move(alerts);
    alerts_at_ = now;
    readings_stale_ = true;
}

void Gatekeeper::take_incidents(TimePoint now) {
    const auto& from = config_->safety.incidents;
    std::vector<std::string> incidents;
    if (from.file) {
        auto found = safety::read_incident_file(*from.file);
        if (!found) {
            readings_.incidents_error = found.error().context;
            return;
        }
        incidents = std::move(*found);
    }
    if (from.alertmanager) {
        const bool fresh = alerts_at_ && now < *alerts_at_ + kFresh;
        if (!alerts_ || !fresh) {
            readings_.incidents_error =
                "Alertmanager at " + *from.alertmanager + ": " +
                (alerts_ ? std::string{"its last answer is too old"} : alerts_.error().context);
            return;
        }
        incidents.insert(incidents.end(), alerts_->begin(), alerts_->end());
    }
    readings_.incidents = std::move(incidents);
}

void Gatekeeper::take_host(TimePoint now) {
    const bool due =
        !host_at_ || now >= *host_at_ + (host_ ? kSampleInterval : kFirstSpan) || now < *host_at_;
    if (due) {
        host_ = meter_.sample(now);
        host_at_ = now;
    }
    if (host_) {
        readings_.host = *host_;
    } else {
        readings_.host_error = host_.error().context;
    }
}

void Gatekeeper::note_hits(const std::string& experiment, Hits hits) {
    readings_stale_ = true;
    if (hits.keys.empty()) {
        hits_.erase(experiment);
    } else {
        hits_[experiment] = std::move(hits);
    }
}

std::set<std::string> Gatekeeper::hit_services(const std::string& but) const {
    std::set<std::string> all;
    for (const auto& [experiment, hits] : hits_) {
        if (experiment != but) all.insert(hits.keys.begin(), hits.keys.end());
    }
    return all;
}

std::set<std::string> Gatekeeper::hit_containers(const std::string& but) const {
    std::set<std::string> all;
    for (const auto& [experiment, hits] : hits_) {
        if (experiment != but) all.insert(hits.names.begin(), hits.names.end());
    }
    return all;
}

const safety::Readings& Gatekeeper::readings() {
    const auto now = boot_now();
    if (world_.synced()) synced_at_ = now;
    if (!readings_stale_ && read_at_ && now < *read_at_ + kReadingLife) return readings_;
    readings_stale_ = false;
    read_at_ = now;
    readings_ = {};
    readings_.settling = now < settling_since_ + kFresh;
    take_incidents(now);
    take_host(now);
    if (synced_at_ && now < *synced_at_ + kFresh) {
        readings_.health =
            safety::count_health(safety::service_health(world_.containers()), hit_services());
    }
    return readings_;
}

std::vector<safety::Closed> Gatekeeper::closed(const safety::Question& question) {
    return safety::closed_gates(*config_, standing_, readings(), question, wall_now());
}

void Gatekeeper::refresh_graph() {
    if (!std::exchange(graph_stale_, false)) return;
    policy_.graph = safety::Graph{world_.containers(), config_->dependencies};
}

const safety::Graph& Gatekeeper::graph() {
    refresh_graph();
    return policy_.graph;
}

const safety::Policy& Gatekeeper::policy(const std::string& experiment,
                                         std::set<std::string> rested) {
    refresh_graph();
    // Without dependencies nobody is on anybody's path, and nobody's provider.
    const bool edges = policy_.graph.has_edges();
    policy_.busy = edges ? hit_services(experiment) : std::set<std::string>{};
    policy_.held = edges ? hit_containers(experiment) : std::set<std::string>{};
    policy_.rested = std::move(rested);
    return policy_;
}

}  // namespace chaos::runtime
