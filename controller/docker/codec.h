// What Docker answers → our values. Pure; survives any bytes: each answers an error, never throws.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/error.h"

namespace chaos::docker {

struct Version {
    std::string engine;   // "20.10.24"
    std::string api;      // newest the engine speaks: "1.41"
    std::string min_api;  // oldest: "1.12"

    friend bool operator==(const Version&, const Version&) = default;
};

// One entry of the /events stream; container events only.
struct Event {
    std::string action;  // "start", "die", "health_status"; what stands behind ": " is in `detail`
    std::string detail;  // "healthy"
    std::string id;
    std::string name;
    std::string image;
    Labels labels;
    std::optional<std::int64_t> exit_code;  // of "die"
    TimePoint time;

    friend bool operator==(const Event&, const Event&) = default;
};

[[nodiscard]] Result<Version> parse_version(std::string_view body);
[[nodiscard]] Result<std::vector<Container>> parse_list(std::string_view body);
[[nodiscard]] Result<Container> parse_inspect(std::string_view body);
[[nodiscard]] Result<Event> parse_event(std::string_view line);

// Docker's {"message": "…"} of an error reply, or the start of the body.
[[nodiscard]] std::string error_message(std::string_view body);

// The API version to speak with this engine: the newest that both know, or an error that names
// both ranges. We know 1.24 (Docker 1.12) to 1.51 (Docker 28).
[[nodiscard]] Result<std::string> choose_api(const Version& version);

}  // namespace chaos::docker
