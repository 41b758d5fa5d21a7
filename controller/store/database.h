// SQLite's C interface with owners and errors as values.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/api/error.h"

namespace chaos::store {

class Statement {
public:
    Statement(sqlite3* db, sqlite3_stmt* raw) : db_(db), raw_(raw) {}

    Statement& bind(std::string_view text);
    Statement& bind(std::int64_t number);
    // True: a row is there; false: done.
    [[nodiscard]] Result<bool> step();
    // Runs to the end and makes it ready to be bound again.
    [[nodiscard]] Result<> run();
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
    };
    sqlite3* db_;
    std::unique_ptr<sqlite3_stmt, Finalize> raw_;
    int next_ = 1;
};

class Database {
public:
    [[nodiscard]] static Result<Database> open(const std::string& path);
    [[nodiscard]] Result<> execute(const char* sql);
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    [[nodiscard]] std::int64_t last_id() const { return sqlite3_last_insert_rowid(raw_.get()); }

private:
    struct Close {
        void operator()(sqlite3* db) const { sqlite3_close(db); }
    };
    explicit Database(sqlite3* raw) : raw_(raw) {}
    std::unique_ptr<sqlite3, Close> raw_;
};

// Rolls back unless committed.
class Transaction {
public:
    explicit Transaction(Database& db) : db_(db) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    [[nodiscard]] Result<> begin();
    [[nodiscard]] Result<> commit();

private:
    Database& db_;
    bool open_ = false;
};

}  // namespace chaos::store
