// The API that chaosctl uses: verbs of persons, on a unix socket whose permissions are the
// authority.
#pragma once

#include "controller/runtime/controller.h"
#include "controller/telemetry/http_server.h"

namespace chaos::app {

// POST /v1/experiments/NAME/{run,pause,resume,abort,recover}, GET /v1/logs?after=N. Answers JSON:
// {"message": …} or {"error": …} with 400, 404, 405 or 409.
[[nodiscard]] telemetry::Response control(runtime::Controller& controller,
                                          const telemetry::Request& request);

}  // namespace chaos::app
