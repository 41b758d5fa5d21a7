#include "controller/app/start.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

#include "controller/app/daemon.h"
#include "controller/app/version.h"
#include "controller/docker/client.h"
#include "controller/guard/guard.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

bool is_alive(int pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

// A guard that is just undoing holds the state for a moment, or for as long as Docker takes to
// answer it, or a program of the user's to undo; a controller holds it for good.
Result<store::Store> open_store(const std::string& directory) {
    constexpr int kTries = 30;
    constexpr int kTriesOfGuard = 6600;  // custom programs may take ten minutes
    for (int i = 0;; ++i) {
        auto store = store::Store::open(directory);
        if (store || store.error().code != ErrorCode::kConflict) return store;
        const bool controller = is_alive(store::Store::guarded_holder(directory));
        if (i >= (controller ? kTries : kTriesOfGuard)) return store;
        if (i == 0) log::info("waiting for the state store", {{"error", store.error().context}});
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
}

// Without it nothing is told, but everything is done: no reason not to start.
void make_status_directory(const std::string& directory) {
    if (directory.empty()) return;
    std::error_code ec;
    std::filesystem::create_directories(directory, ec);
    if (ec) log::error("no status directory", {{"path", directory}, {"error", ec.message()}});
}

std::vector<std::string> guard_arguments(const Options& o) {
    return {"chaos-controller", "guard",
            "--state-dir",      o.state_dir,
            "--docker-host",    o.docker_host,
            "--guard-grace",    format_duration(o.guard_grace),
            "--log-format",     o.log_format == log::Format::kJson ? "json" : "text"};
}

}  // namespace

int run_daemon(const Options& given) {
    log::configure(given.log_level, given.log_format);
    ConfigSource config{given.config};
    static_cast<void>(config.read());
    const Options options = completed(given, config.config().get());
    if (options.manifests.empty()) {
        for (const auto& problem : config.problems())
            log::error("configuration", {{"problem", problem}});
        log::error("cannot start", {{"error",
                                     "no directory of manifests: expected --manifests, or "
                                     "manifests.directory in a valid configuration"}});
        return 2;
    }
    log::info("chaos-controller starts", {{"version", kVersion},
                                          {"manifests", options.manifests},
                                          {"state_dir", options.state_dir},
                                          {"docker_host", options.docker_host}});
    auto path = docker::socket_path(options.docker_host);
    auto store = path ? open_store(options.state_dir) : std::unexpected(path.error());
    guard::Process guard{guard_arguments(options)};
    auto keeper = store ? stress::Keeper::hold(options.state_dir) : std::unexpected(store.error());
    // Without a guard nothing is injected: who would undo it?
    auto guarded = keeper ? guard.start() : std::unexpected(keeper.error());
    if (guarded) guarded = store->note_guarded();
    if (!guarded) {
        log::error("cannot start", {{"error", guarded.error().context}});
        return 1;
    }
    make_status_directory(options.status_dir);
    return run_parts(given, options, config,
                     {std::move(*path), std::move(*store), std::move(*keeper), std::move(guard)});
}

int run_guard(const Options& options) {
    log::configure(options.log_level, options.log_format);
    const auto path = docker::socket_path(options.docker_host);
    if (!path || options.watch_fd < 0) {
        log::error("the guard is started by the controller only");
        return 2;
    }
    return guard::run(
        {options.watch_fd, options.controller_pid, options.state_dir, *path, options.guard_grace});
}

}  // namespace chaos::app
