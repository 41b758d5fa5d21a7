#include "controller/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/store/database.h"

namespace chaos::store {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::string_view kGuarded = "guarded";

constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS experiments(
    name TEXT PRIMARY KEY, generation INTEGER NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL,
    path TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs(
    id INTEGER PRIMARY KEY AUTOINCREMENT, experiment TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_by_experiment ON runs(experiment, id);
CREATE TABLE IF NOT EXISTS faults(
    run INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(run, id));
CREATE TABLE IF NOT EXISTS fired(
    experiment TEXT NOT NULL, digest TEXT NOT NULL, run_id TEXT NOT NULL,
    PRIMARY KEY(experiment, digest, run_id));
CREATE TABLE IF NOT EXISTS notes(key TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
)sql";

// Held for the life of the store: the kernel lets go of it however the process ends.
class DirectoryLock {
public:
    static Result<DirectoryLock> take(const std::string& directory) {
        const auto path = directory + "/lock";
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) return fail(ErrorCode::kPermission, path + ": " + std::strerror(errno));
        DirectoryLock lock{fd};
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            std::ifstream file{path};
            std::string holder;
            file >> holder;
            return fail(ErrorCode::kConflict,
                        directory + " is in use by the controller with process id " + holder);
        }
        if (auto ok = lock.write(""); !ok) return wrap(path, ok.error());
        return lock;
    }

    // Who holds it, for others to read, and what else there is to say of them.
    [[nodiscard]] Result<> write(std::string_view note) const {
        const auto text = std::to_string(::getpid()) + " " + std::string{note};
        if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) < 0) {
            return fail(ErrorCode::kUnavailable, std::string{"lock: "} + std::strerror(errno));
        }
        return {};
    }

    explicit DirectoryLock(int fd) : fd_(fd) {}
    DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    ~DirectoryLock() {
        if (fd_ >= 0) ::close(fd_);
    }

private:
    int fd_;
};

Result<> load_faults(Database& db, Run& run) {
    auto rows = db.prepare("SELECT id, body FROM faults WHERE run = ? ORDER BY id");
    if (!rows) return std::unexpected(rows.error());
    rows->bind(run.id);
    for (;;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
        auto fault = decode_fault(rows->text(1));
        if (!fault) return std::unexpected(fault.error());
        run.faults.push_back(std::move(*fault));
    }
}

// The newest run of each experiment, with its faults; the earlier ones as history.
Result<> load_runs(Database& db, Loaded& loaded) {
    auto rows = db.prepare("SELECT id, body FROM runs ORDER BY experiment, id DESC");
    if (!rows) return std::unexpected(rows.error());
    for (;;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
        auto run = decode_run(rows->text(1));
        if (!run) return std::unexpected(run.error());
        run->id = rows->integer(0);
        auto& history = loaded.history[run->experiment];
        if (history.size() < kHistory) history.push_back(summarize(*run));
        if (history.size() > 1) continue;
        if (auto ok = load_faults(db, *run); !ok) return ok;
        loaded.runs.push_back(std::move(*run));
    }
}

Result<std::int64_t> schema_version(Database& db) {
    auto version = db.prepare("PRAGMA user_version");
    if (!version) return std::unexpected(version.error());
    if (const auto row = version->step(); !row) return std::unexpected(row.error());
    return version->integer(0);
}

}  // namespace

struct Store::Impl {
    Impl(DirectoryLock taken, Database opened) : lock(std::move(taken)), db(std::move(opened)) {}

    Result<> prepare_schema();
    Result<> put(const StoredExperiment& experiment);
    Result<> drop_stale(const Run& run, std::int64_t id);
    Result<std::int64_t> save(const Run& run, const StoredExperiment* manifest);
    Result<> save_faults(const Run& run, std::int64_t id);
    Result<std::int64_t> save_body(const Run& run);
    Result<> save_fired(const Run& run);
    Result<> drop_old(const std::string& experiment);

    DirectoryLock lock;
    Database db;
    // By run: what each fault's row holds, so that only changed ones are written.
    std::map<std::int64_t, std::map<std::string, std::string>> written;
};

Result<> Store::Impl::prepare_schema() {
    const auto version = schema_version(db);
    if (!version) return std::unexpected(version.error());
    if (*version > kSchemaVersion) {
        return fail(ErrorCode::kInvalid, "state store: made by a newer version (schema " +
                                             std::to_string(*version) + ")");
    }
    // WAL with FULL: a commit is on the disk when it returns, at the cost of one fsync.
    auto pragmas = db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    if (!pragmas) return pragmas;
    return db.execute(kSchema);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& directory) {
    std::error_code ec;
    std::filesystem::create_directories(directory, ec);
    if (ec) return fail(ErrorCode::kPermission, directory + ": " + ec.message());
    auto lock = DirectoryLock::take(directory);
    if (!lock) return std::unexpected(lock.error());
    auto db = Database::open(directory + "/state.db");
    if (!db) return std::unexpected(db.error());
    auto impl = std::make_unique<Impl>(std::move(*lock), std::move(*db));
    if (auto ready = impl->prepare_schema(); !ready) return std::unexpected(ready.error());
    return Store{std::move(impl)};
}

Result<std::vector<Run>> Store::peek(const std::string& directory) {
    const auto path = directory + "/state.db";
    if (::access(path.c_str(), F_OK) != 0) return {};
    auto db = Database::open(path);
    if (!db) return std::unexpected(db.error());
    Loaded loaded;
    if (auto ok = load_runs(*db, loaded); !ok) return std::unexpected(ok.error());
    std::erase_if(loaded.runs, [](const Run& run) { return !run.owes(); });
    return std::move(loaded.runs);
}

Result<> Store::note_guarded() { return impl_->lock.write(kGuarded); }

int Store::guarded_holder(const std::string& directory) {
    std::ifstream file{directory + "/lock"};
    int pid = 0;
    std::string note;
    return file >> pid >> note && note == kGuarded ? pid : 0;
}

Result<Loaded> Store::load() {
    Loaded loaded;
    auto rows = impl_->db.prepare("SELECT name, generation, digest, text, path FROM experiments");
    if (!rows) return std::unexpected(rows.error());
    for (;;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        loaded.experiments.push_back(
            {rows->text(0), rows->integer(1), rows->text(2), rows->text(3), rows->text(4)});
    }
    auto fired = impl_->db.prepare("SELECT experiment, digest, run_id FROM fired");
    if (!fired) return std::unexpected(fired.error());
    for (;;) {
        const auto more = fired->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        loaded.fired.insert({fired->text(0), fired->text(1), fired->text(2)});
    }
    auto notes = impl_->db.prepare("SELECT key, value FROM notes");
    if (!notes) return std::unexpected(notes.error());
    for (;;) {
        const auto more = notes->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        loaded.notes[notes->text(0)] = notes->text(1);
    }
    if (auto ok = load_runs(impl_->db, loaded); !ok) return std::unexpected(ok.error());
    for (const auto& run : loaded.runs) {
        for (const auto& fault : run.faults) impl_->written[run.id][fault.id] = encode_fault(fault);
    }
    return loaded;
}

Result<> Store::Impl::put(const StoredExperiment& experiment) {
    auto statement = db.prepare(
        "INSERT INTO experiments(name, generation, digest, text, path) VALUES(?, ?, ?, ?, ?) "
        "ON CONFLICT(name) DO UPDATE SET generation=excluded.generation, digest=excluded.digest, "
        "text=excluded.text, path=excluded.path");
    if (!statement) return std::unexpected(statement.error());
    return statement->bind(experiment.name)
        .bind(experiment.generation)
        .bind(experiment.digest)
        .bind(experiment.text)
        .bind(experiment.path)
        .run();
}

Result<std::int64_t> Store::Impl::save_body(const Run& run) {
    auto statement = run.id == 0
                         ? db.prepare("INSERT INTO runs(experiment, body) VALUES(?, ?)")
                         : db.prepare("UPDATE runs SET experiment = ?, body = ? WHERE id = ?");
    if (!statement) return std::unexpected(statement.error());
    statement->bind(run.experiment).bind(encode_run(run));
    if (run.id != 0) statement->bind(run.id);
    if (auto ok = statement->run(); !ok) return std::unexpected(ok.error());
    if (run.id != 0) return run.id;
    const auto id = db.last_id();
    if (auto ok = drop_old(run.experiment); !ok) return std::unexpected(ok.error());
    return id;
}

// What recurs for years must not grow for years.
Result<> Store::Impl::drop_old(const std::string& experiment) {
    constexpr const char* kOld =
        " IN (SELECT id FROM runs WHERE experiment = ? ORDER BY id DESC LIMIT -1 OFFSET ?)";
    for (const auto* table : {"DELETE FROM faults WHERE run", "DELETE FROM runs WHERE id"}) {
        auto statement = db.prepare(std::string{table} + kOld);
        if (!statement) return std::unexpected(statement.error());
        if (auto ok = statement->bind(experiment).bind(static_cast<std::int64_t>(kHistory)).run();
            !ok)
            return ok;
    }
    return {};
}

// A fault that an edit has renamed (run/adopt.h) must not be found again under its old id: where
// the rows hold one that the run does not, or nobody knows what they hold, all are written anew.
Result<> Store::Impl::drop_stale(const Run& run, std::int64_t id) {
    auto& known = written[id];
    const bool stale = std::ranges::any_of(known, [&](const auto& row) {
        return std::ranges::find(run.faults, row.first, &FaultRecord::id) == run.faults.end();
    });
    if (!stale) return {};
    known.clear();
    auto statement = db.prepare("DELETE FROM faults WHERE run = ?");
    if (!statement) return std::unexpected(statement.error());
    return statement->bind(id).run();
}

Result<> Store::Impl::save_faults(const Run& run, std::int64_t id) {
    auto statement = db.prepare(
        "INSERT INTO faults(run, id, body) VALUES(?, ?, ?) "
        "ON CONFLICT(run, id) DO UPDATE SET body=excluded.body");
    if (!statement) return std::unexpected(statement.error());
    auto& known = written[id];
    if (auto ok = drop_stale(run, id); !ok) return ok;
    for (const auto& fault : run.faults) {
        auto body = encode_fault(fault);
        auto& row = known[fault.id];
        if (row == body) continue;
        if (auto ok = statement->bind(id).bind(fault.id).bind(body).run(); !ok) return ok;
        row = std::move(body);
    }
    return {};
}

Result<> Store::Impl::save_fired(const Run& run) {
    auto statement =
        db.prepare("INSERT OR IGNORE INTO fired(experiment, digest, run_id) VALUES(?, ?, ?)");
    if (!statement) return std::unexpected(statement.error());
    return statement->bind(run.experiment).bind(run.digest).bind(run.run_id).run();
}

Result<std::int64_t> Store::Impl::save(const Run& run, const StoredExperiment* manifest) {
    Transaction transaction{db};
    if (auto ok = transaction.begin(); !ok) return std::unexpected(ok.error());
    if (manifest != nullptr) {
        if (auto ok = put(*manifest); !ok) return std::unexpected(ok.error());
    }
    const auto id = save_body(run);
    if (!id) return id;
    auto rest = save_faults(run, *id);
    // The run-id of a scheduled run is its time, which does not come back.
    if (rest && run.fired() && !run.scheduled()) rest = save_fired(run);
    if (rest) rest = transaction.commit();
    if (rest) return id;
    // Rolled back: what is noted of the rows is no longer what they hold. No fault has an empty id.
    written[*id] = {{"", ""}};
    return std::unexpected(rest.error());
}

Result<std::int64_t> Store::save(const Run& run, const StoredExperiment* manifest) {
    const auto id = impl_->save(run, manifest);
    if (id && run.finished() && run.settled) impl_->written.erase(*id);
    return id;
}

Result<> Store::note(const std::string& key, const std::string& value) {
    auto statement =
        impl_->db.prepare(value.empty() ? "DELETE FROM notes WHERE key = ?"
                                        : "INSERT INTO notes(key, value) VALUES(?, ?) "
                                          "ON CONFLICT(key) DO UPDATE SET value=excluded.value");
    if (!statement) return std::unexpected(statement.error());
    statement->bind(key);
    if (!value.empty()) statement->bind(value);
    return statement->run();
}

}  // namespace chaos::store
