// A checked view of JSON. RapidJSON asserts on a wrong type and stops here: every accessor below
// answers nullopt (or an empty view) instead, whatever a foreign reply holds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/error.h"

namespace chaos::json {

struct Impl;

// A value inside a Document, which must outlive it. A default-constructed or missing one is null.
class Value {
public:
    Value() = default;
    explicit Value(const void* raw) : raw_(raw) {}

    [[nodiscard]] bool is_null() const;
    [[nodiscard]] bool is_object() const;
    [[nodiscard]] bool is_array() const;
    [[nodiscard]] std::optional<std::string> string() const;
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] std::optional<bool> boolean() const;
    // The member of an object, null where absent; chains: v["State"]["Health"]["Status"].
    [[nodiscard]] Value operator[](std::string_view key) const;
    [[nodiscard]] std::vector<Value> items() const;  // of an array, else empty
    [[nodiscard]] std::vector<std::pair<std::string, Value>> members() const;  // of an object

private:
    const void* raw_ = nullptr;
};

class Document {
public:
    // Nesting is bounded (RapidJSON's iterative parser), so deep input cannot exhaust the stack.
    // Errors: kInvalid with the offset.
    [[nodiscard]] static Result<Document> parse(std::string_view text);

    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    [[nodiscard]] Value root() const;

private:
    explicit Document(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Writes JSON text front to back; the caller keeps the order begin/key/value/end.
class Writer {
public:
    enum class Style { kCompact, kPretty };
    explicit Writer(Style style = Style::kCompact);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    Writer& begin_object();
    Writer& end_object();
    Writer& begin_array();
    Writer& end_array();
    Writer& key(std::string_view name);
    Writer& value(std::string_view text);
    Writer& value(const char* text) { return value(std::string_view{text}); }
    Writer& value(std::int64_t number);
    Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
    Writer& value(std::uint64_t number);
    Writer& value(double number);
    Writer& value(bool flag);
    Writer& null();
    // A number already written in JSON's syntax.
    Writer& raw_number(std::string_view text);
    [[nodiscard]] std::string text() const;

private:
    struct Out;
    std::unique_ptr<Out> out_;
};

}  // namespace chaos::json
