// The metrics of specification section 10 that have something to measure, behind verbs of the
// domain. prometheus-cpp stops here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "controller/api/run.h"

namespace chaos::telemetry {

class Metrics {
public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    void run_started();
    void run_finished(Verdict verdict, Duration took);
    void runs_active(std::size_t count);
    void target_hit(const std::string& service);
    void target_recovered(Duration took);
    void injected(Duration took);   // from the decision to the read-back
    void undone(Duration took);     // from the decision to the verification
    void orphans_found(int count);  // faults of an earlier life, swept at the start
    void reconciled(bool ok, Duration took);
    void monkey_run(Duration late);  // from when it was due until it began
    void run_missed();               // due by its schedule, and not begun
    void safety_violation(const std::string& gate);
    void halted(bool stopped);
    void config_valid(bool valid);
    void queue_depth(std::size_t keys);
    void manifest_errors(std::size_t documents);
    void docker_request(std::string_view operation, Duration took, bool ok);

    // Prometheus' text format.
    [[nodiscard]] std::string text() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace chaos::telemetry
