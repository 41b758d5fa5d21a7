// What chaosctl asks of a running controller, as HTTP: on the control socket, and on TCP with the
// configured token.
#pragma once

#include <functional>

#include "controller/app/config_source.h"
#include "controller/app/monkey.h"
#include "controller/telemetry/http_server.h"

namespace chaos::app {

// What the requests act on.
struct Controls {
    runtime::Controller& controller;
    runtime::Gatekeeper& gatekeeper;
    const ConfigSource& config;
    Monkey& monkey;
    std::function<void()> apply;                 // the monkey's mode has changed
    std::function<std::string()> keeps_stopped;  // why resume is of no use now; "" if it is
};

// Answers when what was asked for is known to outlive the controller, or says that it does not.
[[nodiscard]] Task<telemetry::Response> control(Controls controls, telemetry::Request request);

}  // namespace chaos::app
