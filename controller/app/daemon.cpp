#include "controller/app/daemon.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <thread>

#include "controller/app/control.h"
#include "controller/app/host.h"
#include "controller/app/version.h"
#include "controller/docker/engine.h"
#include "controller/guard/guard.h"
#include "controller/guard/process.h"
#include "controller/runtime/controller.h"
#include "controller/source/directory_source.h"
#include "controller/telemetry/http_server.h"
#include "reconcilers/container/reconciler.h"

namespace chaos::app {
namespace {

namespace asio = boost::asio;

// How long SIGTERM waits for undoing before it gives up; systemd's own patience is 90 s.
constexpr Duration kStopPatience = std::chrono::seconds{30};
constexpr Duration kFlushPatience = std::chrono::seconds{3};

void report_bug(std::string_view what) {
    log::error("a task ended by an exception: this is a bug", {{"what", what}});
}

class EngineWorld : public runtime::World {
public:
    explicit EngineWorld(docker::Engine& engine) : engine_(engine) {}
    [[nodiscard]] bool synced() const override { return engine_.synced(); }
    [[nodiscard]] const std::vector<Container>& containers() const override {
        return engine_.cache().containers();
    }
    [[nodiscard]] Task<> ensure_details(std::string name) override {
        return engine_.ensure_details(std::move(name));
    }
    [[nodiscard]] Task<Result<bool>> start(std::string name) override {
        return engine_.start(std::move(name));
    }

private:
    docker::Engine& engine_;
};

class Daemon {
public:
    Daemon(const Options& options, std::string docker_path, store::Store store,
           guard::Process guard)
        : options_(options),
          guard_(std::move(guard)),
          engine_(docker::Client{std::move(docker_path), docker_observer()}, engine_hooks()),
          world_(engine_),
          container_(engine_),
          source_(options.manifests, source_hooks()),
          parts_(io_.get_executor(), report_bug),
          status_tasks_(io_.get_executor(), report_bug),
          writer_(status_tasks_,
                  [](const std::string& why) {
                      log::error("status file not written", {{"error", why}});
                  }),
          publisher_(options.status_dir, writer_),
          controller_(io_.get_executor(), settings(), world_, reconcilers(), source_.desired(),
                      std::move(store), publisher_, metrics_),
          http_(parts_, [this](const telemetry::Request& request) { return page(request); }),
          control_(
              parts_,
              [this](const telemetry::Request& request) { return control(controller_, request); }),
          signals_(io_, SIGTERM, SIGINT) {}

    int run() {
        if (const auto restored = controller_.restore(); !restored) {
            return cannot_start(restored.error());
        }
        if (const auto ok = http_.listen(io_.get_executor(), options_.listen); !ok) {
            return cannot_start(ok.error());
        }
        if (const auto ok = control_.listen_unix(io_.get_executor(), options_.control_socket);
            !ok) {
            return cannot_start(ok.error());
        }
        log::info("listening",
                  {{"address", http_.address()}, {"control", options_.control_socket}});
        TaskGroup main{io_.get_executor(), report_bug};
        main.spawn(live());
        io_.run();
        return exit_code_;
    }

private:
    static int cannot_start(const Error& error) {
        log::error("cannot start", {{"error", error.context}});
        return 1;
    }

    runtime::Settings settings() const {
        return {options_.experiment_timeout, options_.status_retention, host_identity()};
    }

    // The explicit table of kinds.
    runtime::ReconcilerTable reconcilers() {
        return [this](const FaultSpec&) -> runtime::Reconciler& { return container_; };
    }

    docker::Client::Observer docker_observer() {
        return [this](std::string_view operation, Duration took, bool ok) {
            metrics_.docker_request(operation, took, ok);
        };
    }

    docker::Engine::Hooks engine_hooks() {
        return {.on_change = [this] { controller_.enqueue_active(); },
                .on_connected =
                    [](const std::string& version) {
                        log::info("connected to Docker", {{"version", version}});
                    },
                .on_disconnected =
                    [](const std::string& why) {
                        log::warning("Docker does not answer, trying again", {{"error", why}});
                    }};
    }

    source::DirectorySource::Hooks source_hooks() {
        return {.on_update = [this](const source::Desired::Update& update) { take(update); },
                .on_warning =
                    [](const std::string& why) {
                        log::warning(
                            "watching the manifests is incomplete; they are read every 10 s",
                            {{"error", why}});
                    }};
    }

    void take(const source::Desired::Update& update) {
        const auto& unavailable = source_.desired().unavailable();
        if (unavailable.empty()) controller_.first_look();
        if (unavailable != unavailable_) {
            unavailable_ = unavailable;
            if (!unavailable.empty()) {
                log::error("manifests cannot be read; nothing new is admitted",
                           {{"error", unavailable}});
            }
            controller_.enqueue(names());
        }
        if (update.strays_changed) {
            const auto now = std::chrono::system_clock::now();
            publisher_.publish_strays(source_.desired().strays(), now);
            for (const auto& stray : source_.desired().strays()) log_problems(stray.problems);
        }
        for (const auto& name : update.changed) {
            const auto it = source_.desired().entries().find(name);
            if (it != source_.desired().entries().end()) log_problems(it->second.problems);
        }
        metrics_.manifest_errors(count_errors());
        controller_.enqueue(update.changed);
    }

    static void log_problems(const std::vector<std::string>& problems) {
        for (const auto& problem : problems) log::warning("manifest", {{"problem", problem}});
    }

    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> all;
        for (const auto& [name, entry] : source_.desired().entries()) all.insert(name);
        return all;
    }

    [[nodiscard]] std::size_t count_errors() const {
        std::size_t count = source_.desired().strays().size();
        for (const auto& [name, entry] : source_.desired().entries()) {
            if (!entry.problems.empty()) ++count;
        }
        return count;
    }

    [[nodiscard]] bool ready() const {
        return controller_.restored() && source_.ready() && unavailable_.empty() &&
               engine_.synced();
    }

    telemetry::Response page(const telemetry::Request& request) {
        if (request.method != "GET") return {.status = 405, .body = "only GET and HEAD\n"};
        const auto& path = request.path;
        if (path == "/metrics") {
            return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
        }
        if (path == "/healthz") return {.status = 200, .body = "ok\n"};
        if (path == "/readyz") {
            if (ready()) return {.status = 200, .body = "ok\n"};
            std::string why;
            if (!engine_.synced()) why += "Docker does not answer\n";
            if (!source_.ready() || !unavailable_.empty()) why += "manifests are not read\n";
            return {.status = 503, .body = why};
        }
        return {.status = 404, .body = "not found; there are /metrics, /healthz and /readyz\n"};
    }

    Task<> wait_for_signal() {
        auto [ec, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
        if (ec) co_return;
        log::info("stopping: undoing every fault", {{"signal", std::to_string(number)}});
        controller_.stop(kStopPatience);
    }

    // Sources before workers, and at the end the other way round: what undoes goes last.
    Task<> live() {
        parts_.spawn(wait_for_signal());
        parts_.spawn(guard_.keep_alive());
        parts_.spawn(engine_.run());
        parts_.spawn(source_.run());
        parts_.spawn(http_.run());
        parts_.spawn(control_.run());
        co_await controller_.run();
        parts_.cancel();
        co_await parts_.join();
        // The last words go to the disk, unless the disk does not take them.
        using namespace asio::experimental::awaitable_operators;
        co_await (status_tasks_.join() || sleep_for(kFlushPatience));
        status_tasks_.cancel();
        co_await status_tasks_.join();
        signals_.cancel();
        if (controller_.holds_faults()) {
            exit_code_ = 3;
            log::error("stopped with faults still in force");
        } else {
            log::info("stopped");
        }
    }

    const Options& options_;
    guard::Process guard_;
    asio::io_context io_{1};
    telemetry::Metrics metrics_;
    docker::Engine engine_;
    EngineWorld world_;
    container::ContainerReconciler container_;
    source::DirectorySource source_;
    TaskGroup parts_;
    TaskGroup status_tasks_;
    runtime::StatusWriter writer_;
    runtime::Publisher publisher_;
    runtime::Controller controller_;
    telemetry::HttpServer http_;
    telemetry::HttpServer control_;
    asio::signal_set signals_;
    std::string unavailable_;
    int exit_code_ = 0;
};

// A guard that is just undoing holds the state for a moment; a controller holds it for good.
Result<store::Store> open_store(const std::string& directory) {
    constexpr int kTries = 30;
    for (int i = 0;; ++i) {
        auto store = store::Store::open(directory);
        if (store || store.error().code != ErrorCode::kConflict || i == kTries) return store;
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

int run_daemon(const Options& options) {
    log::configure(options.log_level, options.log_format);
    log::info("chaos-controller starts", {{"version", kVersion},
                                          {"manifests", options.manifests},
                                          {"state_dir", options.state_dir},
                                          {"docker_host", options.docker_host}});
    auto path = docker::socket_path(options.docker_host);
    auto store = path ? open_store(options.state_dir) : std::unexpected(path.error());
    guard::Process guard{guard_arguments(options)};
    // Without a guard nothing is injected: who would undo it?
    auto guarded = store ? guard.start() : Result<>{};
    if (store && guarded) guarded = store->note_guarded();
    if (!store || !guarded) {
        log::error("cannot start",
                   {{"error", store ? guarded.error().context : store.error().context}});
        return 1;
    }
    make_status_directory(options.status_dir);
    return Daemon{options, std::move(*path), std::move(*store), std::move(guard)}.run();
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
