// Reading netlink attributes from bytes that may be anything.
#pragma once

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

namespace chaos::network {

// Walks attributes that foreign bytes claim to hold; what does not fit ends it.
class Attributes {
public:
    explicit Attributes(std::string_view bytes) : rest_(bytes) {}

    struct Attribute {
        int type = 0;
        std::string_view payload;
    };
    std::optional<Attribute> next() {
        rtattr header{};
        if (rest_.size() < sizeof header) return std::nullopt;
        std::memcpy(&header, rest_.data(), sizeof header);
        if (header.rta_len < sizeof header || header.rta_len > rest_.size()) return std::nullopt;
        const Attribute found{header.rta_type & NLA_TYPE_MASK,
                              rest_.substr(sizeof header, header.rta_len - sizeof header)};
        rest_.remove_prefix(std::min<std::size_t>(RTA_ALIGN(header.rta_len), rest_.size()));
        return found;
    }

private:
    std::string_view rest_;
};

// The first bytes as a plain structure; nullopt where there are too few.
template <class T>
std::optional<T> read_as(std::string_view payload) {
    T value{};
    if (payload.size() < sizeof value) return std::nullopt;
    std::memcpy(&value, payload.data(), sizeof value);
    return value;
}

}  // namespace chaos::network
