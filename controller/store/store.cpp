#include "controller/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/store/database.h"

namespace chaos::store {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr int kHistory = 10;

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
            std::string holder(20, '\0');
            const auto n = ::pread(fd, holder.data(), holder.size(), 0);
            holder.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
            return fail(ErrorCode::kConflict,
                        directory + " is in use by the controller with process id " + holder);
        }
        const auto pid = std::to_string(::getpid());
        if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
            return fail(ErrorCode::kUnavailable, path + ": " + std::strerror(errno));
        }
        return lock;
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
    Result<> load_runs(Loaded& loaded);
    Result<> load_faults(Run& run);
    Result<> save_faults(const Run& run, std::int64_t id);
    Result<std::int64_t> save_body(const Run& run);
    Result<> save_fired(const Run& run);

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

Result<std::vector<FaultRecord>> Store::peek(const std::string& directory) {
    std::vector<FaultRecord> held;
    const auto path = directory + "/state.db";
    if (::access(path.c_str(), F_OK) != 0) return held;
    auto db = Database::open(path);
    if (!db) return std::unexpected(db.error());
    auto rows = db->prepare("SELECT body FROM faults");
    if (!rows) return std::unexpected(rows.error());
    for (;;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) return held;
        auto fault = decode_fault(rows->text(0));
        if (!fault) return std::unexpected(fault.error());
        if (fault->holds()) held.push_back(std::move(*fault));
    }
}

int Store::last_holder(const std::string& directory) {
    std::ifstream file{directory + "/lock"};
    int pid = 0;
    return file >> pid ? pid : 0;
}

bool Store::holds_faults(const std::string& directory) {
    const auto held = peek(directory);
    return !held || !held->empty();
}

Result<> Store::Impl::load_faults(Run& run) {
    auto rows = db.prepare("SELECT id, body FROM faults WHERE run = ? ORDER BY id");
    if (!rows) return std::unexpected(rows.error());
    rows->bind(run.id);
    for (;;) {
        const auto more = rows->step();
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
        auto fault = decode_fault(rows->text(1));
        if (!fault) return std::unexpected(fault.error());
        written[run.id][fault->id] = rows->text(1);
        run.faults.push_back(std::move(*fault));
    }
}

Result<> Store::Impl::load_runs(Loaded& loaded) {
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
        if (auto ok = load_faults(*run); !ok) return ok;
        loaded.runs.push_back(std::move(*run));
    }
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
    if (auto ok = impl_->load_runs(loaded); !ok) return std::unexpected(ok.error());
    return loaded;
}

Result<> Store::put(const StoredExperiment& experiment) {
    auto statement = impl_->db.prepare(
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
    return run.id == 0 ? db.last_id() : run.id;
}

Result<> Store::Impl::save_faults(const Run& run, std::int64_t id) {
    auto statement = db.prepare(
        "INSERT INTO faults(run, id, body) VALUES(?, ?, ?) "
        "ON CONFLICT(run, id) DO UPDATE SET body=excluded.body");
    if (!statement) return std::unexpected(statement.error());
    auto& known = written[id];
    for (const auto& fault : run.faults) {
        auto body = encode_fault(fault);
        auto& row = known[fault.id];
        if (row == body) continue;
        if (auto ok = statement->bind(id).bind(fault.id).bind(body).run(); !ok) {
            // The transaction is rolled back: what the rows hold is no longer what is noted here.
            written.erase(id);
            return ok;
        }
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

Result<std::int64_t> Store::save(const Run& run) {
    Transaction transaction{impl_->db};
    if (auto ok = transaction.begin(); !ok) return std::unexpected(ok.error());
    const auto id = impl_->save_body(run);
    if (!id) return id;
    if (auto ok = impl_->save_faults(run, *id); !ok) return std::unexpected(ok.error());
    if (auto ok = impl_->save_fired(run); !ok) return std::unexpected(ok.error());
    if (auto ok = transaction.commit(); !ok) {
        impl_->written.erase(*id);
        return std::unexpected(ok.error());
    }
    if (run.finished() && run.settled) impl_->written.erase(*id);
    return *id;
}

}  // namespace chaos::store
