// The state store: what must survive the controller. SQLite in WAL mode with synchronous=FULL, so
// that what a call has stored is on the disk when it returns. Blocking; the runtime calls it from a
// thread of its own. SQLite stops here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/run.h"

namespace chaos::store {

inline constexpr std::size_t kHistory = 100;  // runs of an experiment; older ones are dropped

// The last good manifest of an experiment, kept so that a broken edit or a restart loses nothing.
struct StoredExperiment {
    std::string name;
    std::int64_t generation = 1;
    std::string digest;
    std::string text;  // the document as it stood in the file
    std::string path;

    friend bool operator==(const StoredExperiment&, const StoredExperiment&) = default;
};

// What has run once and must not run again by itself.
struct FiredKey {
    std::string experiment;
    std::string digest;
    std::string run_id;

    auto operator<=>(const FiredKey&) const = default;
};

struct Loaded {
    std::vector<StoredExperiment> experiments;
    std::vector<Run> runs;  // the newest of each experiment
    std::set<FiredKey> fired;
    std::map<std::string, std::vector<RunSummary>> history;  // by experiment, newest first
    std::map<std::string, std::string> notes;
};

class Store {
public:
    // Opens or creates `directory`/state.db; takes a lock on the directory for as long as the store
    // lives. Errors: kConflict where another controller holds it (naming its process id),
    // kPermission, kUnavailable (disk full, I/O), kInvalid (made by a newer version).
    [[nodiscard]] static Result<Store> open(const std::string& directory);

    // The runs in `directory` that owe something (Run::owes). Takes no lock and creates nothing;
    // empty where there is no journal. Errors: as open.
    [[nodiscard]] static Result<std::vector<Run>> peek(const std::string& directory);

    // Notes that whoever has the store now has a guard: should it die, that one undoes.
    [[nodiscard]] Result<> note_guarded();
    // The process id of the last that noted this in `directory`, if nobody has opened the store
    // since; else 0.
    [[nodiscard]] static int guarded_holder(const std::string& directory);

    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;
    ~Store();

    [[nodiscard]] Result<Loaded> load();
    // Inserts a run (id 0) or writes what changed since it was last saved; returns its id. In one
    // transaction with the key that says it has fired, and with its manifest where one is given, so
    // that none is without the others.
    [[nodiscard]] Result<std::int64_t> save(const Run& run,
                                            const StoredExperiment* manifest = nullptr);

    // A small fact that is of no run: emergency stop, the chaos monkey's mode, when a schedule was
    // last looked at. Empty: forgotten.
    [[nodiscard]] Result<> note(const std::string& key, const std::string& value);

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// JSON of a run without its faults, and of one fault; pure, for the tables' body columns.
[[nodiscard]] std::string encode_run(const Run& run);
[[nodiscard]] std::string encode_fault(const FaultRecord& fault);
// Errors: kInvalid, naming the field, for anything that encode did not write.
[[nodiscard]] Result<Run> decode_run(std::string_view text);
[[nodiscard]] Result<FaultRecord> decode_fault(std::string_view text);

}  // namespace chaos::store
