#include "controller/store/database.h"

namespace chaos::store {
namespace {

constexpr int kBusyMilliseconds = 5000;

Error to_error(sqlite3* db, int rc, std::string_view doing) {
    auto code = ErrorCode::kUnavailable;  // full disk, I/O, busy
    switch (rc & 0xff) {
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH: code = ErrorCode::kPermission; break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: code = ErrorCode::kInvalid; break;
        default: break;
    }
    return {code, "state store: " + std::string{doing} + ": " + sqlite3_errmsg(db)};
}

}  // namespace

Statement& Statement::bind(std::string_view text) {
    // A failed bind shows in step(): the parameter stays NULL and the columns are NOT NULL.
    sqlite3_bind_text(raw_.get(), next_++, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind(std::int64_t number) {
    sqlite3_bind_int64(raw_.get(), next_++, number);
    return *this;
}

Result<bool> Statement::step() {
    const int rc = sqlite3_step(raw_.get());
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    return std::unexpected(to_error(db_, rc, "step"));
}

Result<> Statement::run() {
    const auto stepped = step();
    sqlite3_reset(raw_.get());
    next_ = 1;
    if (!stepped) return std::unexpected(stepped.error());
    return {};
}

std::string Statement::text(int column) const {
    const auto* data = sqlite3_column_text(raw_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column));
    if (data == nullptr) return {};
    return {reinterpret_cast<const char*>(data), size};  // NOLINT: SQLite's unsigned text
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(raw_.get(), column);
}

Result<Database> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int rc =
        sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Database db{raw};
    if (rc != SQLITE_OK) return std::unexpected(to_error(raw, rc, "open " + path));
    // Guard, controller and chaosctl may look at the same moment; each is done in milliseconds.
    sqlite3_busy_timeout(raw, kBusyMilliseconds);
    return db;
}

Result<> Database::execute(const char* sql) {
    const int rc = sqlite3_exec(raw_.get(), sql, nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return std::unexpected(to_error(raw_.get(), rc, sql));
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int rc = sqlite3_prepare_v2(raw_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
    if (rc != SQLITE_OK) return std::unexpected(to_error(raw_.get(), rc, sql));
    return Statement{raw_.get(), statement};
}

Transaction::~Transaction() {
    // Nothing to be done where even the rollback fails: closing the database rolls back.
    if (!open_) return;
    [[maybe_unused]] const auto ignored = db_.execute("ROLLBACK");
}

Result<> Transaction::begin() {
    auto begun = db_.execute("BEGIN IMMEDIATE");
    open_ = begun.has_value();
    return begun;
}

Result<> Transaction::commit() {
    auto done = db_.execute("COMMIT");
    if (done) open_ = false;
    return done;
}

}  // namespace chaos::store
