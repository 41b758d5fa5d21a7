#include "controller/docker/codec.h"

#include <algorithm>
#include <charconv>
#include <compare>

#include "controller/json/json.h"

namespace chaos::docker {
namespace {

using json::Document;
using json::Value;

constexpr std::size_t kShown = 200;

struct ApiVersion {
    int major = 0;
    int minor = 0;
    auto operator<=>(const ApiVersion&) const = default;
};

constexpr ApiVersion kOldest{1, 24};
constexpr ApiVersion kNewest{1, 51};

std::optional<ApiVersion> parse_api(std::string_view text) {
    ApiVersion v;
    const char* end = text.data() + text.size();
    const auto [dot, ec] = std::from_chars(text.data(), end, v.major);
    if (ec != std::errc{} || dot == end || *dot != '.') return std::nullopt;
    const auto [stop, ec2] = std::from_chars(dot + 1, end, v.minor);
    if (ec2 != std::errc{} || stop != end) return std::nullopt;
    return v;
}

std::string to_text(ApiVersion v) {
    return std::to_string(v.major) + "." + std::to_string(v.minor);
}

std::string strip_slash(std::string name) {
    if (name.starts_with('/')) name.erase(0, 1);
    return name;
}

ContainerState to_state(const std::optional<std::string>& text) {
    if (text == "running") return ContainerState::kRunning;
    if (text == "paused") return ContainerState::kPaused;
    if (text == "restarting") return ContainerState::kRestarting;
    if (text == "created") return ContainerState::kCreated;
    if (text == "exited") return ContainerState::kExited;
    if (text == "dead" || text == "removing") return ContainerState::kDead;
    return ContainerState::kUnknown;
}

Health to_health(const std::optional<std::string>& text) {
    if (text == "starting") return Health::kStarting;
    if (text == "healthy") return Health::kHealthy;
    if (text == "unhealthy") return Health::kUnhealthy;
    return Health::kNone;
}

// The list gives health only in its text for people: "Up 3 minutes (healthy)".
Health health_in_status(const std::string& status) {
    if (status.find("(healthy)") != std::string::npos) return Health::kHealthy;
    if (status.find("(unhealthy)") != std::string::npos) return Health::kUnhealthy;
    if (status.find("(health: starting)") != std::string::npos) return Health::kStarting;
    return Health::kNone;
}

// Likewise the exit code: "Exited (137) 3 days ago".
std::optional<std::int64_t> exit_code_in_status(std::string_view status) {
    constexpr std::string_view kExited = "Exited (";
    if (!status.starts_with(kExited)) return std::nullopt;
    status.remove_prefix(kExited.size());
    std::int64_t code = 0;
    const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), code);
    if (error != std::errc{} || end == status.data() + status.size() || *end != ')') {
        return std::nullopt;
    }
    return code;
}

Labels string_map(Value value) {
    Labels result;
    for (const auto& [key, item] : value.members()) {
        if (auto text = item.string()) result[key] = std::move(*text);
    }
    return result;
}

void read_networks(Value root, Container& container) {
    for (const auto& [name, network] : root["NetworkSettings"]["Networks"].members()) {
        container.networks.push_back(name);
        for (const auto* key : {"IPAddress", "GlobalIPv6Address"}) {
            auto address = network[key].string().value_or("");
            if (!address.empty()) container.addresses.push_back(std::move(address));
        }
    }
    constexpr std::string_view kShared = "container:";
    const auto mode = root["HostConfig"]["NetworkMode"].string().value_or("");
    if (mode.starts_with(kShared)) container.network_of = mode.substr(kShared.size());
}

std::optional<Container> listed(Value value) {
    Container container;
    auto id = value["Id"].string();
    const auto names = value["Names"].items();
    if (!id || id->empty()) return std::nullopt;
    container.id = std::move(*id);
    // A container linked from others has names such as "/other/alias" beside its own "/name".
    for (const auto& item : names) {
        auto name = strip_slash(item.string().value_or(""));
        if (!name.empty() && name.find('/') == std::string::npos) container.name = std::move(name);
    }
    if (container.name.empty()) return std::nullopt;
    container.image = value["Image"].string().value_or("");
    container.labels = string_map(value["Labels"]);
    read_networks(value, container);
    container.state = to_state(value["State"].string());
    const auto status = value["Status"].string().value_or("");
    container.health = health_in_status(status);
    container.exit_code = exit_code_in_status(status);
    return container;
}

// When the health took its present value, from the log of probes: the end of the last one.
std::optional<TimePoint> last_probe(Value health) {
    std::optional<TimePoint> last;
    for (const auto& entry : health["Log"].items()) {
        if (const auto end = parse_time(entry["End"].string().value_or(""))) last = end;
    }
    return last;
}

void read_state(Value state, Container& container) {
    container.state = to_state(state["Status"].string());
    container.health = to_health(state["Health"]["Status"].string());
    container.health_since = last_probe(state["Health"]);
    const auto started = state["StartedAt"].string().value_or("");
    container.started_at = parse_time(started);
    container.finished_at = parse_time(state["FinishedAt"].string().value_or(""));
    // Docker resets ExitCode at the next start, so it says nothing of a container that runs.
    if (container.finished_at && !container.running()) {
        container.exit_code = state["ExitCode"].integer();
    }
    const auto pid = state["Pid"].integer().value_or(0);
    // During Docker's restart backoff Running is true and Pid is 0: nothing to act on.
    if (container.running() && pid > 0) {
        container.incarnation = {container.id, started, static_cast<int>(pid)};
    } else if (container.running()) {
        container.state = ContainerState::kRestarting;
    }
}

}  // namespace

Result<Version> parse_version(std::string_view body) {
    auto document = Document::parse(body);
    if (!document) return wrap("version", document.error());
    const auto root = document->root();
    Version version{root["Version"].string().value_or("unknown"),
                    root["ApiVersion"].string().value_or(""),
                    root["MinAPIVersion"].string().value_or("1.12")};
    if (version.api.empty()) {
        return fail(ErrorCode::kInternal, "version: the reply has no ApiVersion");
    }
    return version;
}

Result<std::vector<Container>> parse_list(std::string_view body) {
    auto document = Document::parse(body);
    if (!document) return wrap("container list", document.error());
    if (body.find('[') == std::string_view::npos) {
        return fail(ErrorCode::kInternal, "container list: the reply is not a list");
    }
    std::vector<Container> containers;
    for (const auto& item : document->root().items()) {
        if (auto container = listed(item)) containers.push_back(std::move(*container));
    }
    return containers;
}

Result<Container> parse_inspect(std::string_view body) {
    auto document = Document::parse(body);
    if (!document) return wrap("inspect", document.error());
    const auto root = document->root();
    Container container;
    container.id = root["Id"].string().value_or("");
    container.name = strip_slash(root["Name"].string().value_or(""));
    if (container.id.empty() || container.name.empty() || !root["State"].is_object()) {
        return fail(ErrorCode::kInternal, "inspect: the reply has no Id, Name or State");
    }
    container.image = root["Config"]["Image"].string().value_or("");
    container.labels = string_map(root["Config"]["Labels"]);
    read_networks(root, container);
    read_state(root["State"], container);
    return container;
}

Result<Event> parse_event(std::string_view line) {
    auto document = Document::parse(line);
    if (!document) return wrap("event", document.error());
    const auto root = document->root();
    Event event;
    const auto action = root["Action"].string().value_or(root["status"].string().value_or(""));
    const auto colon = action.find(": ");
    event.action = action.substr(0, colon);
    if (colon != std::string::npos) event.detail = action.substr(colon + 2);
    event.id = root["Actor"]["ID"].string().value_or(root["id"].string().value_or(""));
    if (root["Type"].string() == "network") {
        // Of a network only who joins and leaves it matters: it is told of the container.
        const bool moves = event.action == "connect" || event.action == "disconnect";
        event.id = moves ? root["Actor"]["Attributes"]["container"].string().value_or("") : "";
    }
    const auto nanoseconds = root["timeNano"].integer();
    if (event.action.empty() || event.id.empty() || !nanoseconds) {
        return fail(ErrorCode::kInternal, "event: no Action, ID or timeNano");
    }
    event.time = TimePoint{Duration{*nanoseconds}};
    event.labels = string_map(root["Actor"]["Attributes"]);
    event.name = event.labels["name"];
    event.image = event.labels["image"];
    const auto exit_code = event.labels["exitCode"];
    std::int64_t code = 0;
    const auto [end, ec] =
        std::from_chars(exit_code.data(), exit_code.data() + exit_code.size(), code);
    if (ec == std::errc{} && !exit_code.empty()) event.exit_code = code;
    for (const auto* own : {"name", "image", "exitCode", "signal", "execDuration", "oldName"}) {
        event.labels.erase(own);
    }
    return event;
}

std::string error_message(std::string_view body) {
    if (auto document = Document::parse(body)) {
        if (auto message = document->root()["message"].string()) return *message;
    }
    return std::string{body.substr(0, kShown)};
}

Result<std::string> choose_api(const Version& version) {
    const auto newest = parse_api(version.api);
    const auto oldest = parse_api(version.min_api);
    if (!newest || !oldest) {
        return fail(
            ErrorCode::kInternal,
            "engine " + version.engine + " gives no readable API version: \"" + version.api + "\"");
    }
    const auto chosen = std::min(*newest, kNewest);
    if (chosen < kOldest || chosen < *oldest) {
        return fail(ErrorCode::kInvalid, "engine " + version.engine + " speaks API " +
                                             version.min_api + " to " + version.api +
                                             ", this program " + to_text(kOldest) + " to " +
                                             to_text(kNewest));
    }
    return to_text(chosen);
}

}  // namespace chaos::docker
