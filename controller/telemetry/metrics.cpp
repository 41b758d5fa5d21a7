#include "controller/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>

#include "controller/safety/gates.h"

namespace chaos::telemetry {
namespace {

using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

// Recovery and experiments last seconds to minutes; our own acts last milliseconds.
const Buckets& long_buckets() {
    static const Buckets kBuckets{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800};
    return kBuckets;
}
const Buckets& short_buckets() {
    static const Buckets kBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                  0.05,   0.1,   0.25,   0.5,   1,    5};
    return kBuckets;
}

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

constexpr std::array kVerdicts{"Pass", "Fail", "Error", "Aborted"};
constexpr std::array kOperations{"version", "list",  "inspect", "pause",  "unpause", "kill",
                                 "stop",    "start", "restart", "remove", "exec"};

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry;

    prometheus::Family<prometheus::Counter>& counter(const char* name, const char* help) {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }
    prometheus::Gauge& gauge(const char* name, const char* help) {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
    }
    prometheus::Family<Histogram>& histogram(const char* name, const char* help) {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }

    prometheus::Family<prometheus::Counter>& experiments =
        counter("chaos_experiments_total", "Runs that ended, by verdict.");
    prometheus::Counter& success =
        counter("chaos_experiments_success_total", "Runs that ended with verdict Pass.").Add({});
    prometheus::Counter& started =
        counter("chaos_experiments_started_total", "Runs that were admitted.").Add({});
    prometheus::Gauge& active = gauge("chaos_experiments_active", "Runs that have not ended.");
    prometheus::Histogram& recovery =
        histogram("chaos_recovery_time_seconds",
                  "From the fault until its target was running, and healthy where it has a check.")
            .Add({}, long_buckets());
    prometheus::Histogram& duration =
        histogram("chaos_experiment_duration_seconds", "From a run's start to its end.")
            .Add({}, long_buckets());
    prometheus::Family<prometheus::Counter>& hits =
        counter("chaos_target_hits_total", "Faults injected, by service.");
    prometheus::Histogram& injection =
        histogram("chaos_injection_seconds", "From the decision to inject to the read-back.")
            .Add({}, short_buckets());
    prometheus::Histogram& undo =
        histogram("chaos_undo_seconds", "From the decision to undo to the verification.")
            .Add({}, short_buckets());
    prometheus::Counter& orphans =
        counter("chaos_orphans_found_total", "Faults that an earlier life had left, swept.")
            .Add({});
    prometheus::Family<prometheus::Counter>& reconciles =
        counter("chaos_reconcile_total", "Reconciles, by result.");
    prometheus::Histogram& reconcile_seconds =
        histogram("chaos_reconcile_seconds", "Length of one reconcile.").Add({}, short_buckets());
    prometheus::Counter& monkey =
        counter("chaos_monkey_experiments_total", "Runs of the chaos monkey that began.").Add({});
    prometheus::Histogram& monkey_delay =
        histogram("chaos_monkey_schedule_delay_seconds",
                  "From when a run of the chaos monkey was due until it began.")
            .Add({}, long_buckets());
    prometheus::Counter& missed =
        counter("chaos_schedule_missed_total", "Runs that were due and did not begin.").Add({});
    prometheus::Family<prometheus::Counter>& violations =
        counter("chaos_safety_violations_total",
                "Experiments that a gate has kept from running, or ended, by gate.");
    prometheus::Gauge& halted =
        gauge("chaos_halted", "1 while an emergency stop keeps everything from running.");
    prometheus::Gauge& config =
        gauge("chaos_config_valid", "0 while the configuration file is invalid.");
    prometheus::Gauge& depth = gauge("chaos_queue_depth", "Experiments waiting to be reconciled.");
    prometheus::Gauge& errors =
        gauge("chaos_manifest_errors", "Manifest documents that are invalid at the moment.");
    prometheus::Family<Histogram>& docker =
        histogram("chaos_docker_request_seconds", "Requests to the Docker engine.");
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
    // Every label set exists from the start, so that a rate() sees its first increase.
    for (const auto* verdict : kVerdicts) impl_->experiments.Add({{"verdict", verdict}});
    for (const auto gate : safety::gate_reasons()) {
        impl_->violations.Add({{"gate", std::string{gate}}});
    }
    impl_->violations.Add({{"gate", "Protected"}});
    impl_->config.Set(1);
    for (const auto* result : {"success", "error"}) impl_->reconciles.Add({{"result", result}});
    for (const auto* operation : kOperations) {
        for (const auto* result : {"success", "error"}) {
            impl_->docker.Add({{"operation", operation}, {"result", result}}, short_buckets());
        }
    }
}

Metrics::~Metrics() = default;

void Metrics::run_started() { impl_->started.Increment(); }

void Metrics::run_finished(Verdict verdict, Duration took) {
    impl_->experiments.Add({{"verdict", std::string{to_string(verdict)}}}).Increment();
    if (verdict == Verdict::kPass) impl_->success.Increment();
    impl_->duration.Observe(seconds(took));
}

void Metrics::runs_active(std::size_t count) { impl_->active.Set(static_cast<double>(count)); }
void Metrics::target_hit(const std::string& service) {
    impl_->hits.Add({{"service", service}}).Increment();
}
void Metrics::target_recovered(Duration took) { impl_->recovery.Observe(seconds(took)); }
void Metrics::injected(Duration took) { impl_->injection.Observe(seconds(took)); }
void Metrics::undone(Duration took) { impl_->undo.Observe(seconds(took)); }

void Metrics::orphans_found(int count) { impl_->orphans.Increment(count); }

void Metrics::reconciled(bool ok, Duration took) {
    impl_->reconciles.Add({{"result", ok ? "success" : "error"}}).Increment();
    impl_->reconcile_seconds.Observe(seconds(took));
}

void Metrics::monkey_run(Duration late) {
    impl_->monkey.Increment();
    impl_->monkey_delay.Observe(seconds(late));
}
void Metrics::run_missed() { impl_->missed.Increment(); }
void Metrics::safety_violation(const std::string& gate) {
    impl_->violations.Add({{"gate", gate}}).Increment();
}
void Metrics::halted(bool stopped) { impl_->halted.Set(stopped ? 1 : 0); }
void Metrics::config_valid(bool valid) { impl_->config.Set(valid ? 1 : 0); }

void Metrics::queue_depth(std::size_t keys) { impl_->depth.Set(static_cast<double>(keys)); }
void Metrics::manifest_errors(std::size_t documents) {
    impl_->errors.Set(static_cast<double>(documents));
}

void Metrics::docker_request(std::string_view operation, Duration took, bool ok) {
    impl_->docker
        .Add({{"operation", std::string{operation}}, {"result", ok ? "success" : "error"}},
             short_buckets())
        .Observe(seconds(took));
}

std::string Metrics::text() const {
    return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

}  // namespace chaos::telemetry
