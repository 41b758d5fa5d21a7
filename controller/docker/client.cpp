#include "controller/docker/client.h"

#include <algorithm>

#include "controller/json/json.h"

namespace chaos::docker {
namespace {

// Docker's own kill may wait 12 s for the exit (moby daemon/kill.go), everything else answers at
// once unless the engine is in trouble.
constexpr Duration kTimeout = std::chrono::seconds{20};

// Only what changes a container as this project sees it: health probes alone would raise three exec
// events a second for each container.
constexpr std::string_view kEventFilter =
    "%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%2C%22event%22%3A%5B%22create%22%2C%22"
    "start%22%2C%22die%22%2C%22pause%22%2C%22unpause%22%2C%22destroy%22%2C%22rename%22%2C%22oom"
    "%22%2C%22health_status%22%2C%22connect%22%2C%22disconnect%22%5D%7D";

ErrorCode code_of(unsigned status) {
    switch (status) {
        case 400: return ErrorCode::kInternal;
        case 403: return ErrorCode::kPermission;
        case 404: return ErrorCode::kNotFound;
        case 409: return ErrorCode::kConflict;
        default: return ErrorCode::kUnavailable;
    }
}

std::string grace_query(Duration grace) {
    return "?t=" + std::to_string(std::chrono::ceil<std::chrono::seconds>(grace).count());
}

}  // namespace

Result<std::string> socket_path(std::string_view host) {
    constexpr std::string_view kScheme = "unix://";
    if (host.starts_with(kScheme)) host.remove_prefix(kScheme.size());
    if (!host.starts_with('/')) {
        return fail(ErrorCode::kInvalid, "docker host: found \"" + std::string{host} +
                                             "\", expected unix:///path/to/docker.sock");
    }
    return std::string{host};
}

Task<Result<Reply>> Client::call(std::string operation, std::string method, std::string target,
                                 Duration patience, std::string body) {
    const auto start = std::chrono::steady_clock::now();
    auto reply = co_await transport_.call(std::move(method), std::move(target), kTimeout + patience,
                                          std::move(body));
    const bool ok = reply && reply->status < 400;
    if (observer_) observer_(operation, std::chrono::steady_clock::now() - start, ok);
    if (!reply) co_return wrap("docker " + operation, reply.error());
    if (!ok) {
        co_return fail(code_of(reply->status), "docker " + operation + ": " +
                                                   error_message(reply->body) + " (status " +
                                                   std::to_string(reply->status) + ")");
    }
    co_return std::move(*reply);
}

Task<Result<Version>> Client::negotiate(std::optional<Duration> timeout) {
    const auto patience = timeout ? *timeout - kTimeout : Duration{0};
    const auto reply = co_await call("version", "GET", "/version", patience);
    if (!reply) co_return std::unexpected(reply.error());
    auto version = parse_version(reply->body);
    if (!version) co_return std::unexpected(version.error());
    auto api = choose_api(*version);
    if (!api) co_return std::unexpected(api.error());
    api_ = *api;
    co_return *version;
}

Task<Result<std::vector<Container>>> Client::list() {
    const auto reply = co_await call("list", "GET", "/v" + api_ + "/containers/json?all=1");
    if (!reply) co_return std::unexpected(reply.error());
    co_return parse_list(reply->body);
}

Task<Result<Container>> Client::inspect(std::string id) {
    const auto reply = co_await call("inspect", "GET", "/v" + api_ + "/containers/" + id + "/json");
    if (!reply) co_return std::unexpected(reply.error());
    co_return parse_inspect(reply->body);
}

Task<Result<Outcome>> Client::post(std::string operation, std::string id, std::string query,
                                   Duration patience) {
    const auto target = "/v" + api_ + "/containers/" + id + "/" + operation + query;
    const auto reply = co_await call(operation, "POST", target, patience);
    if (!reply) co_return std::unexpected(reply.error());
    co_return reply->status == 304 ? Outcome::kAlready : Outcome::kChanged;
}

Task<Result<Outcome>> Client::pause(std::string id) { return post("pause", std::move(id), ""); }
Task<Result<Outcome>> Client::unpause(std::string id) { return post("unpause", std::move(id), ""); }
Task<Result<Outcome>> Client::kill(std::string id, std::string signal) {
    return post("kill", std::move(id), "?signal=" + signal);
}

Task<Result<Outcome>> Client::start(std::string id) { return post("start", std::move(id), ""); }
Task<Result<Outcome>> Client::stop(std::string id, Duration grace) {
    return post("stop", std::move(id), grace_query(grace), grace);
}
Task<Result<Outcome>> Client::restart(std::string id, Duration grace) {
    return post("restart", std::move(id), grace_query(grace), grace);
}
Task<Result<Outcome>> Client::remove(std::string id, bool volumes) {
    const auto target = "/v" + api_ + "/containers/" + id + (volumes ? "?v=1" : "");
    const auto reply = co_await call("remove", "DELETE", target);
    if (!reply) co_return std::unexpected(reply.error());
    co_return Outcome::kChanged;
}

Task<Result<Client::Executed>> Client::execute(std::string id, std::vector<std::string> command,
                                               Duration timeout) {
    constexpr std::size_t kMaxOutput = 64UL * 1024;
    constexpr std::uint64_t kMaxRead = 1024UL * 1024;
    constexpr std::size_t kMostUnfinished = 1000;
    auto key = id;
    for (const auto& word : command) key += '\0' + word;
    if (const auto last = unfinished_.find(key); last != unfinished_.end()) {
        const auto looked = co_await call("exec", "GET", exec_path(last->second) + "/json");
        if (!looked && looked.error().code != ErrorCode::kNotFound) {
            co_return std::unexpected(looked.error());
        }
        const auto state = looked ? json::Document::parse(looked->body)
                                  : Result<json::Document>{std::unexpected(looked.error())};
        if (state && state->root()["Running"].boolean().value_or(false)) {
            co_return fail(ErrorCode::kUnavailable, "docker exec: its last run is not over yet");
        }
        unfinished_.erase(key);
    }
    json::Writer order;
    // With a terminal the output comes as it is, without Docker's frames.
    order.begin_object();
    order.key("AttachStdout").value(true).key("AttachStderr").value(true).key("Tty").value(true);
    order.key("Cmd").begin_array();
    for (const auto& word : command) order.value(std::string_view{word});
    order.end_array().end_object();
    const auto prefix = "/v" + api_;
    const auto created =
        co_await call("exec", "POST", prefix + "/containers/" + id + "/exec", {}, order.text());
    if (!created) co_return std::unexpected(created.error());
    const auto document = json::Document::parse(created->body);
    if (!document) co_return wrap("docker exec", document.error());
    const auto exec = document->root()["Id"].string().value_or("");
    if (exec.empty()) co_return fail(ErrorCode::kInternal, "docker exec: no Id");
    std::string start = R"({"Detach":false,"Tty":true})";
    auto output = co_await transport_.call("POST", exec_path(exec) + "/start", timeout,
                                           std::move(start), kMaxRead);
    if (!output) {
        // Of containers that are gone nobody asks again.
        if (unfinished_.size() >= kMostUnfinished) unfinished_.clear();
        unfinished_[key] = exec;
        co_return wrap("docker exec", output.error());
    }
    const auto ended = co_await call("exec", "GET", exec_path(exec) + "/json");
    if (!ended) co_return std::unexpected(ended.error());
    const auto state = json::Document::parse(ended->body);
    const auto code = state ? state->root()["ExitCode"].integer() : std::nullopt;
    if (!code) co_return fail(ErrorCode::kInternal, "docker exec: no exit code");
    output->body.resize(std::min(output->body.size(), kMaxOutput));
    co_return Executed{*code, std::move(output->body)};
}

Task<Result<>> Client::events(std::function<void()> on_open, std::function<void(Event)> on_event) {
    const auto target = "/v" + api_ + "/events?filters=" + std::string{kEventFilter};
    std::function<void(std::string_view)> on_line = [&on_event](std::string_view line) {
        if (auto event = parse_event(line)) on_event(std::move(*event));
    };
    auto result = co_await transport_.stream(target, std::move(on_open), std::move(on_line));
    if (!result) co_return wrap("docker events", result.error());
    co_return result;
}

}  // namespace chaos::docker
