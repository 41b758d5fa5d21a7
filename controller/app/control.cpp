#include "controller/app/control.h"

#include <charconv>

#include "controller/api/clock.h"
#include "controller/app/state.h"
#include "controller/config/monkey.h"
#include "controller/json/json.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

using telemetry::Request;
using telemetry::Response;

constexpr std::string_view kExperiments = "/v1/experiments/";
constexpr Duration kStorePatience = std::chrono::seconds{2};

Response reply(unsigned status, std::string_view key, std::string_view text) {
    json::Writer out;
    out.begin_object().key(key).value(text).end_object();
    return {status, "application/json", out.text() + "\n"};
}

unsigned status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kNotFound: return 404;
        case ErrorCode::kConflict: return 409;
        default: return 400;
    }
}

Result<std::string> act_on(runtime::Controller& controller, const std::string& name,
                           std::string_view verb, const Request& request) {
    if (verb == "run") {
        return controller.run_now(name, request.query.contains("dry_run"),
                                  request.query.contains("safe_mode"));
    }
    if (verb == "pause") return controller.hold(name, true);
    if (verb == "resume") return controller.hold(name, false);
    if (verb == "abort") return controller.abort(name);
    if (verb == "recover") return controller.recover(name);
    return fail(ErrorCode::kNotFound, "no verb \"" + std::string{verb} + "\"");
}

Result<std::string> start_monkey(const Controls& controls, const Request& request) {
    const auto asked = request.query.find("mode");
    const auto mode = asked == request.query.end() ? std::optional{MonkeyMode::kSafe}
                                                   : config::parse_mode(asked->second);
    if (!mode || mode == MonkeyMode::kDisabled) {
        return fail(ErrorCode::kInvalid, "found mode \"" + asked->second +
                                             "\", expected safe, production or aggressive");
    }
    auto started = controls.monkey.start(controls.gatekeeper.config(), *mode);
    if (started) controls.apply();
    return started;
}

Result<std::string> resume(const Controls& controls) {
    const auto why = controls.keeps_stopped();
    if (!why.empty()) return fail(ErrorCode::kConflict, why);
    return controls.controller.resume_all();
}

Result<std::string> act_on_all(const Controls& controls, const Request& request) {
    const auto& path = request.path;
    if (path == "/v1/emergency-stop") {
        controls.controller.emergency_stop("stopped by hand at " + format_time(wall_now()));
        return std::string{"every fault is being undone; nothing runs until chaosctl resume"};
    }
    if (path == "/v1/resume") return resume(controls);
    if (path == "/v1/stop") {
        controls.controller.drain();
        return std::string{"running experiments end, no other begins, then the controller ends"};
    }
    if (path == "/v1/recover") return controls.controller.recover_all();
    if (path == "/v1/monkey/start") return start_monkey(controls, request);
    if (path == "/v1/monkey/stop") {
        auto stopped = controls.monkey.stop();
        controls.apply();
        return stopped;
    }
    if (!path.starts_with(kExperiments)) return fail(ErrorCode::kNotFound, "not found");
    const auto rest = path.substr(kExperiments.size());
    const auto slash = rest.find('/');
    if (slash == std::string::npos) return fail(ErrorCode::kNotFound, "not found");
    return act_on(controls.controller, rest.substr(0, slash), rest.substr(slash + 1), request);
}

Response logs(const Request& request) {
    std::uint64_t after = 0;
    if (const auto it = request.query.find("after"); it != request.query.end()) {
        std::from_chars(it->second.data(), it->second.data() + it->second.size(), after);
    }
    json::Writer out;
    out.begin_object().key("lines").begin_array();
    std::uint64_t last = after;
    for (const auto& line : log::recent(after)) {
        out.value(std::string_view{line.text});
        last = line.number;
    }
    out.end_array().key("last").value(last).end_object();
    return {200, "application/json", out.text() + "\n"};
}

}  // namespace

Task<Response> control(Controls controls, Request request) {
    if (request.method == "GET") {
        if (request.path == "/v1/logs") co_return logs(request);
        if (request.path == "/v1/status") {
            co_return Response{200, "application/json", state_text(controls) + "\n"};
        }
    }
    if (request.method != "POST") co_return reply(405, "error", "POST only");
    auto done = act_on_all(controls, request);
    if (!done) co_return reply(status_of(done.error().code), "error", done.error().context);
    log::info("asked by hand", {{"what", *done}});
    const bool stored = co_await controls.controller.notes_stored(kStorePatience);
    if (!stored) *done += "; the state store does not take it yet: a restart now would forget it";
    co_return reply(200, "message", *done);
}

}  // namespace chaos::app
