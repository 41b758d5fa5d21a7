#include "controller/store/fields_codec.h"

#include "controller/api/names.h"
#include "controller/api/network_fields.h"
#include "controller/api/stress_fields.h"

namespace chaos::store {
namespace {

using json::Value;
using json::Writer;

template <class T>
concept Enumeration = std::is_enum_v<T>;

// One `write` for each type of value; what has fields becomes an object.
struct Put {
    Writer& out;

    void write(double value) const { out.value(value); }
    void write(int value) const { out.value(value); }
    void write(std::uint16_t value) const { out.value(static_cast<int>(value)); }
    void write(std::uint64_t value) const { out.value(static_cast<std::int64_t>(value)); }
    void write(Duration value) const { out.value(static_cast<std::int64_t>(value.count())); }
    void write(const std::string& value) const { out.value(value); }
    template <Enumeration E>
    void write(E value) const {
        out.value(find_name(names_of(value), value));
    }
    template <class T>
    void write(const std::vector<T>& values) const {
        out.begin_array();
        for (const auto& value : values) write(value);
        out.end_array();
    }
    void write(const Loss& loss) const {
        out.begin_object();
        if (std::holds_alternative<Share>(loss)) {
            visit_fields(std::get<Share>(loss), *this);
        } else if (const auto* model = std::get_if<GilbertElliott>(&loss)) {
            (*this)("gemodel", *model);
        } else {
            (*this)("state", std::get<FourState>(loss));
        }
        out.end_object();
    }
    template <class T>
        requires std::is_class_v<T>
    void write(const T& value) const {
        out.begin_object();
        visit_fields(value, *this);
        out.end_object();
    }

    template <class T>
    void operator()(const char* name, const T& value) const {
        out.key(name);
        write(value);
    }
    template <class T>
    void operator()(const char* name, const std::optional<T>& value) const {
        if (value) (*this)(name, *value);
    }
};

// What is missing or of another type keeps its default.
struct Get {
    Value from;

    static void read(Value at, double& to) { to = at.number().value_or(to); }
    static void read(Value at, int& to) { to = static_cast<int>(at.integer().value_or(to)); }
    static void read(Value at, std::uint16_t& to) {
        to = static_cast<std::uint16_t>(at.integer().value_or(to));
    }
    static void read(Value at, std::uint64_t& to) {
        to = static_cast<std::uint64_t>(at.integer().value_or(static_cast<std::int64_t>(to)));
    }
    static void read(Value at, Duration& to) { to = Duration{at.integer().value_or(to.count())}; }
    static void read(Value at, std::string& to) { to = at.string().value_or(to); }
    template <Enumeration E>
    static void read(Value at, E& to) {
        to = find_value(names_of(to), at.string().value_or("")).value_or(to);
    }
    template <class T>
    static void read(Value at, std::vector<T>& to) {
        for (const auto& item : at.items()) {
            T value{};
            read(item, value);
            to.push_back(std::move(value));
        }
    }
    static void read(Value at, Loss& to) {
        if (!at["gemodel"].is_null()) {
            to = read_as<GilbertElliott>(at["gemodel"]);
        } else if (!at["state"].is_null()) {
            to = read_as<FourState>(at["state"]);
        } else {
            to = read_as<Share>(at);
        }
    }
    template <class T>
        requires std::is_class_v<T>
    static void read(Value at, T& to) {
        visit_fields(to, Get{at});
    }
    template <class T>
    static T read_as(Value at) {
        T value{};
        read(at, value);
        return value;
    }

    template <class T>
    void operator()(const char* name, T& to) const {
        read(from[name], to);
    }
    template <class T>
    void operator()(const char* name, std::optional<T>& to) const {
        if (!from[name].is_null()) to = read_as<T>(from[name]);
    }
};

}  // namespace

void put_network(Writer& out, const NetworkFault& fault) { visit_fields(fault, Put{out}); }

NetworkFault get_network(NetworkAction action, Value from) {
    NetworkFault fault;
    fault.action = action;
    visit_fields(fault, Get{from});
    return fault;
}

void put_stress(Writer& out, const StressFault& fault) { visit_fields(fault, Put{out}); }

StressFault get_stress(StressAction action, Value from) {
    StressFault fault;
    fault.action = action;
    visit_fields(fault, Get{from});
    return fault;
}

void put_addresses(Writer& out, const PeerAddresses& addresses) {
    visit_fields(addresses, Put{out});
}

PeerAddresses get_addresses(Value from) {
    PeerAddresses addresses;
    visit_fields(addresses, Get{from});
    return addresses;
}

}  // namespace chaos::store
