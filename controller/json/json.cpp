#include "controller/json/json.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <variant>

namespace chaos::json {

using Raw = rapidjson::Value;

struct Impl {
    rapidjson::Document document;
};

namespace {

// RapidJSON frees a document by recursion, and accessors recurse by the caller: a bound keeps both
// from exhausting the stack. Docker's deepest reply has about 10 levels.
constexpr int kMaxDepth = 200;

const Raw* raw(const void* pointer) { return static_cast<const Raw*>(pointer); }

bool too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

rapidjson::SizeType size(std::string_view text) {
    return static_cast<rapidjson::SizeType>(text.size());
}

}  // namespace

bool Value::is_null() const { return raw_ == nullptr || raw(raw_)->IsNull(); }
bool Value::is_object() const { return raw_ != nullptr && raw(raw_)->IsObject(); }
bool Value::is_array() const { return raw_ != nullptr && raw(raw_)->IsArray(); }

std::optional<std::string> Value::string() const {
    if (raw_ == nullptr || !raw(raw_)->IsString()) return std::nullopt;
    return std::string{raw(raw_)->GetString(), raw(raw_)->GetStringLength()};
}

std::optional<std::int64_t> Value::integer() const {
    if (raw_ == nullptr || !raw(raw_)->IsInt64()) return std::nullopt;
    return raw(raw_)->GetInt64();
}

std::optional<double> Value::number() const {
    if (raw_ == nullptr || !raw(raw_)->IsNumber()) return std::nullopt;
    return raw(raw_)->GetDouble();
}

std::optional<bool> Value::boolean() const {
    if (raw_ == nullptr || !raw(raw_)->IsBool()) return std::nullopt;
    return raw(raw_)->GetBool();
}

Value Value::operator[](std::string_view key) const {
    if (!is_object()) return {};
    const auto it = raw(raw_)->FindMember(Raw{rapidjson::StringRef(key.data(), key.size())});
    return it == raw(raw_)->MemberEnd() ? Value{} : Value{&it->value};
}

std::vector<Value> Value::items() const {
    std::vector<Value> result;
    if (raw_ == nullptr || !raw(raw_)->IsArray()) return result;
    for (const auto& item : raw(raw_)->GetArray()) result.emplace_back(&item);
    return result;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
    std::vector<std::pair<std::string, Value>> result;
    if (!is_object()) return result;
    for (const auto& member : raw(raw_)->GetObject()) {
        result.emplace_back(std::string{member.name.GetString(), member.name.GetStringLength()},
                            Value{&member.value});
    }
    return result;
}

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text) {
    if (too_deep(text)) return fail(ErrorCode::kInvalid, "JSON nested too deeply");
    auto impl = std::make_unique<Impl>();
    impl->document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
        text.data(), text.size());
    if (impl->document.HasParseError()) {
        return fail(ErrorCode::kInvalid,
                    "JSON offset " + std::to_string(impl->document.GetErrorOffset()) + ": " +
                        rapidjson::GetParseError_En(impl->document.GetParseError()));
    }
    return Document{std::move(impl)};
}

Value Document::root() const { return Value{static_cast<const Raw*>(&impl_->document)}; }

struct Writer::Out {
    rapidjson::StringBuffer buffer;
    std::variant<rapidjson::Writer<rapidjson::StringBuffer>,
                 rapidjson::PrettyWriter<rapidjson::StringBuffer>>
        writer;

    explicit Out(Style style) {
        if (style == Style::kPretty) {
            auto& pretty = writer.emplace<rapidjson::PrettyWriter<rapidjson::StringBuffer>>(buffer);
            pretty.SetIndent(' ', 2);
        } else {
            writer.emplace<rapidjson::Writer<rapidjson::StringBuffer>>(buffer);
        }
    }
};

Writer::Writer(Style style) : out_(std::make_unique<Out>(style)) {}
Writer::~Writer() = default;

Writer& Writer::begin_object() {
    std::visit([](auto& w) { w.StartObject(); }, out_->writer);
    return *this;
}
Writer& Writer::end_object() {
    std::visit([](auto& w) { w.EndObject(); }, out_->writer);
    return *this;
}
Writer& Writer::begin_array() {
    std::visit([](auto& w) { w.StartArray(); }, out_->writer);
    return *this;
}
Writer& Writer::end_array() {
    std::visit([](auto& w) { w.EndArray(); }, out_->writer);
    return *this;
}
Writer& Writer::key(std::string_view name) {
    std::visit([&](auto& w) { w.Key(name.data(), size(name)); }, out_->writer);
    return *this;
}
Writer& Writer::value(std::string_view text) {
    std::visit([&](auto& w) { w.String(text.data(), size(text)); }, out_->writer);
    return *this;
}
Writer& Writer::value(std::int64_t number) {
    std::visit([&](auto& w) { w.Int64(number); }, out_->writer);
    return *this;
}
Writer& Writer::value(std::uint64_t number) {
    std::visit([&](auto& w) { w.Uint64(number); }, out_->writer);
    return *this;
}
Writer& Writer::value(double number) {
    std::visit([&](auto& w) { w.Double(number); }, out_->writer);
    return *this;
}
Writer& Writer::value(bool flag) {
    std::visit([&](auto& w) { w.Bool(flag); }, out_->writer);
    return *this;
}
Writer& Writer::null() {
    std::visit([](auto& w) { w.Null(); }, out_->writer);
    return *this;
}
Writer& Writer::raw_number(std::string_view text) {
    std::visit([&](auto& w) { w.RawValue(text.data(), text.size(), rapidjson::kNumberType); },
               out_->writer);
    return *this;
}
std::string Writer::text() const { return {out_->buffer.GetString(), out_->buffer.GetSize()}; }

}  // namespace chaos::json
