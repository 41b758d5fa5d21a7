#include "controller/app/control.h"

#include <charconv>

#include "controller/json/json.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

using telemetry::Request;
using telemetry::Response;

constexpr std::string_view kExperiments = "/v1/experiments/";

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

Result<std::string> carry_out(runtime::Controller& controller, const std::string& name,
                              std::string_view verb, const Request& request) {
    if (verb == "run") return controller.run_now(name, request.query.contains("dry_run"));
    if (verb == "pause") return controller.hold(name, true);
    if (verb == "resume") return controller.hold(name, false);
    if (verb == "abort") return controller.abort(name);
    if (verb == "recover") return controller.recover(name);
    return fail(ErrorCode::kNotFound, "no verb \"" + std::string{verb} + "\"");
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

Response control(runtime::Controller& controller, const Request& request) {
    if (request.path == "/v1/logs") return logs(request);
    if (!request.path.starts_with(kExperiments)) return reply(404, "error", "not found");
    if (request.method != "POST") return reply(405, "error", "POST only");
    const auto rest = request.path.substr(kExperiments.size());
    const auto slash = rest.find('/');
    if (slash == std::string::npos) return reply(404, "error", "not found");
    const auto done = carry_out(controller, rest.substr(0, slash), rest.substr(slash + 1), request);
    if (!done) return reply(status_of(done.error().code), "error", done.error().context);
    log::info("asked by hand", {{"what", *done}});
    return reply(200, "message", *done);
}

}  // namespace chaos::app
