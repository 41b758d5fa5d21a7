// What a status file says, from what is known. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/run.h"
#include "controller/manifest/diagnostic.h"
#include "controller/manifest/node.h"

namespace chaos::status {

// Where a manifest came from.
struct Source {
    std::string path;  // as given by the user
    int document = 0;
    std::string digest;

    friend bool operator==(const Source&, const Source&) = default;
};

struct Facts {
    std::string name;
    Source source;
    std::int64_t generation = 0;        // 0: none was ever valid
    std::vector<std::string> problems;  // rendered; of the file as it is now
    bool rejected = false;              // no valid version is known
    std::string unavailable;            // why the manifests cannot be read; "" if they can
    bool waiting_for_run_id = false;    // schedule: manual, and nothing to run
    bool engine_synced = true;
    std::optional<TimePoint> next_run;  // by its schedule
    const Run* run = nullptr;           // the newest
    std::vector<RunSummary> history;
};

struct Condition {
    std::string type;
    std::string status;  // True, False, Unknown
    std::string reason;
    std::string message;

    friend bool operator==(const Condition&, const Condition&) = default;
};

// In the specification's fixed order, SourceUnavailable behind them where it holds.
[[nodiscard]] std::vector<Condition> conditions(const Facts& facts);

// The words that a status may have.
[[nodiscard]] std::vector<std::string> phases();
[[nodiscard]] std::vector<std::string> verdicts();
[[nodiscard]] std::vector<std::string> condition_types();

// Since when a condition has its status: what of a document is needed to write the next one.
struct Transition {
    std::string type;
    std::string status;
    TimePoint since;
};

// Those of a document; empty where it is none.
[[nodiscard]] std::vector<Transition> transitions_of(const manifest::Node& document);

// The whole document. A condition whose status is the same as in `former` keeps its transition
// time.
[[nodiscard]] manifest::Node build(const Facts& facts, const std::vector<Transition>& former,
                                   TimePoint now);

// A fault's parameters as its manifest would write them.
[[nodiscard]] manifest::Node network_parameters(const NetworkFault& fault);
[[nodiscard]] manifest::Node stress_parameters(const StressFault& fault);

}  // namespace chaos::status
