// Command line and environment of chaos-controller → values.
#pragma once

#include <string>

#include "controller/api/config.h"
#include "controller/api/error.h"
#include "controller/api/experiment.h"
#include "controller/api/time.h"
#include "controller/telemetry/log.h"

namespace chaos::app {

struct Options {
    std::string config;  // path of chaos-config.yaml; empty: none
    // Empty ones may be set by the configuration.
    std::string manifests;
    std::string status_dir;  // empty: beside the manifests
    std::string state_dir;
    std::string docker_host;
    std::string listen;
    std::string control_socket;  // empty: control.sock in the state directory
    Duration status_retention = std::chrono::hours{1};
    Duration guard_grace = std::chrono::seconds{5};
    // What the guard was started with; the mode is chosen by the first argument, "guard".
    bool guard = false;
    int watch_fd = -1;
    int controller_pid = -1;
    log::Level log_level = log::Level::kInfo;
    log::Format log_format = log::Format::kText;
};

// Where neither the command line nor the configuration says otherwise.
inline constexpr const char* kDefaultDockerHost = "unix:///var/run/docker.sock";
inline constexpr const char* kDefaultListen = "127.0.0.1:8200";

struct Parsed {
    Options options;
    int exit_code = -1;  // at least 0: the program is to end with it (--help, --version, an error)
};

// Prints help, version and errors itself. The environment gives defaults: DOCKER_HOST, LOG_LEVEL,
// STATE_DIRECTORY (systemd's).
[[nodiscard]] Parsed parse_options(int argc, char** argv);

// The command line, completed by the configuration (null: there is none) and the defaults.
[[nodiscard]] Options completed(Options options, const Config* config);

}  // namespace chaos::app
