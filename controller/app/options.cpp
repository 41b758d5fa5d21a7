#include "controller/app/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "controller/app/host.h"
#include "controller/app/version.h"

namespace chaos::app {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT: before any thread
    return value == nullptr ? std::string{} : value;
}

// CLI11 validators answer "" for good and a message otherwise.
CLI::Validator duration_text() {
    return {[](const std::string& text) {
                return parse_duration(text)
                           ? std::string{}
                           : "found \"" + text +
                                 "\", expected a duration such as 90s, 15m or 1h30m";
            },
            "DURATION"};
}

CLI::Validator level_text() {
    return {[](const std::string& text) {
                return log::parse_level(text)
                           ? std::string{}
                           : "found \"" + text + "\", expected debug, info, warning or error";
            },
            "LEVEL"};
}

}  // namespace

Parsed parse_options(int argc, char** argv) {
    Parsed parsed;
    Options& o = parsed.options;
    o.state_dir = default_state_dir();
    o.docker_host = environment("DOCKER_HOST");
    std::string level = environment("LOG_LEVEL");
    if (level.empty()) level = "info";
    std::string format = "text";
    std::string retention = format_duration(o.status_retention);
    std::string grace = format_duration(o.guard_grace);
    o.guard = argc > 1 && std::string_view{argv[1]} == "guard";
    if (o.guard) {
        --argc;
        ++argv;
    }

    CLI::App cli{
        "Watches a directory of ChaosExperiment manifests and makes this Docker host match "
        "them.",
        "chaos-controller"};
    cli.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    o.config = environment("CHAOS_CONFIG");
    cli.add_option("-c,--config", o.config, "configuration, chaos-config.yaml [CHAOS_CONFIG]");
    cli.add_option("-m,--manifests", o.manifests,
                   "directory of manifests to watch (or manifests.directory of the configuration)");
    cli.add_option("--status-dir", o.status_dir,
                   "where status files go (default: beside each manifest)");
    cli.add_option("--state-dir", o.state_dir, "where runs and faults are recorded")
        ->capture_default_str();
    cli.add_option(
        "--docker-host", o.docker_host,
        "Docker engine (default: " + std::string{kDefaultDockerHost} + ") [DOCKER_HOST]");
    cli.add_option(
        "--listen", o.listen,
        "address of /metrics, /healthz and /readyz (default: " + std::string{kDefaultListen} + ")");
    cli.add_option(
        "--control-socket", o.control_socket,
        "where chaosctl speaks to this controller (default: control.sock in --state-dir)");
    cli.add_option("--status-retention", retention,
                   "how long the status of a deleted manifest stays")
        ->check(duration_text())
        ->capture_default_str();
    cli.add_option("--log-level", level, "debug, info, warning or error [LOG_LEVEL]")
        ->check(level_text())
        ->capture_default_str();
    cli.add_option("--log-format", format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    cli.add_option("--guard-grace", grace,
                   "how long the guard waits for a new controller when this one has died")
        ->check(duration_text())
        ->capture_default_str();
    // Between the controller and its guard only.
    cli.add_option("--watch-fd", o.watch_fd)->group("");
    cli.add_option("--controller-pid", o.controller_pid)->group("");
    cli.set_version_flag("--version", std::string{"chaos-controller "} + kVersion);
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        parsed.exit_code = cli.exit(error) == 0 ? 0 : 2;
        return parsed;
    }
    // A default from the environment is not checked by CLI11.
    const auto parsed_level = log::parse_level(level);
    if (!parsed_level) {
        std::cerr << "LOG_LEVEL: found \"" << level
                  << "\", expected debug, info, warning or error\n";
        parsed.exit_code = 2;
        return parsed;
    }
    o.log_level = *parsed_level;
    o.log_format = format == "json" ? log::Format::kJson : log::Format::kText;
    o.status_retention = *parse_duration(retention);
    o.guard_grace = *parse_duration(grace);
    if (o.control_socket.empty()) o.control_socket = o.state_dir + "/control.sock";
    while (o.manifests.size() > 1 && o.manifests.ends_with('/')) o.manifests.pop_back();
    return parsed;
}

Options completed(Options options, const Config* config) {
    const auto fill = [&](std::string& to, const std::string& from, const char* otherwise) {
        if (to.empty() && config != nullptr) to = from;
        if (to.empty()) to = otherwise;
    };
    const Config nothing;
    const Config& from = config == nullptr ? nothing : *config;
    fill(options.manifests, from.manifests, "");
    fill(options.status_dir, from.status_directory, "");
    fill(options.listen, from.listen, kDefaultListen);
    fill(options.docker_host, from.docker_host, kDefaultDockerHost);
    while (options.manifests.size() > 1 && options.manifests.ends_with('/')) {
        options.manifests.pop_back();
    }
    return options;
}

}  // namespace chaos::app
