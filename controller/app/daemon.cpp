#include "controller/app/daemon.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/clock.h"
#include "controller/app/control.h"
#include "controller/app/engine_world.h"
#include "controller/app/gate_watch.h"
#include "controller/app/host.h"
#include "controller/app/token.h"
#include "controller/config/monkey.h"
#include "controller/runtime/controller.h"
#include "controller/runtime/prober.h"
#include "controller/source/directory_source.h"
#include "controller/telemetry/http_server.h"
#include "reconcilers/container/reconciler.h"
#include "reconcilers/custom/reconciler.h"
#include "reconcilers/network/reconciler.h"
#include "reconcilers/stress/reconciler.h"

namespace chaos::app {
namespace {

namespace asio = boost::asio;

// How long SIGTERM waits for undoing before it gives up; systemd's own patience is 90 s.
constexpr Duration kStopPatience = std::chrono::seconds{30};
constexpr Duration kFlushPatience = std::chrono::seconds{3};

void report_bug(std::string_view what) {
    log::error("a task ended by an exception: this is a bug", {{"what", what}});
}

class Daemon {
public:
    // `given`: the command line; `options`: the same, completed by the configuration.
    Daemon(const Options& given, const Options& options, ConfigSource& config, State state)
        : given_(given),
          options_(options),
          config_(config),
          guard_(std::move(state.guard)),
          engine_(docker::Client{std::move(state.docker_path), docker_observer()}, engine_hooks()),
          world_(engine_, hosts_),
          gatekeeper_(world_, own_container()),
          container_(engine_),
          stress_(stress::default_program(), std::move(state.keeper)),
          source_(options.manifests, source_hooks()),
          parts_(io_.get_executor(), report_bug),
          chores_(io_.get_executor(), report_bug),
          hosts_(parts_, hosts_hooks()),
          status_tasks_(io_.get_executor(), report_bug),
          writer_(status_tasks_,
                  [](const std::string& why) {
                      log::error("status file not written", {{"error", why}});
                  }),
          publisher_(options.status_dir, writer_),
          controller_(io_.get_executor(), settings(), world_, gatekeeper_,
                      {container_, network_, stress_, custom_}, source_.desired(),
                      std::move(state.store), publisher_, metrics_),
          prober_(parts_, world_,
                  [this](const std::string& experiment, const std::string& probe, ProbePhase phase,
                         const std::string& why) {
                      controller_.note_probe(experiment, probe, phase, why);
                  }),
          monkey_(controller_),
          gates_(io_.get_executor(), controller_, gatekeeper_),
          http_(parts_, [this](telemetry::Request request) { return page(std::move(request)); }),
          control_(parts_,
                   [this](telemetry::Request request) {
                       return control(controls(), std::move(request));
                   }),
          signals_(io_, SIGTERM, SIGINT, SIGUSR1) {}

    int run() {
        if (config_.config()) gatekeeper_.configure(config_.config());
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
        take_config();
        log::info("listening",
                  {{"address", http_.address()}, {"control", options_.control_socket}});
        TaskGroup main{io_.get_executor(), report_bug};
        main.spawn(live());
        // A name that is still being resolved is not waited for.
        while (!over_) io_.run_one();
        io_.poll();
        return exit_code_;
    }

private:
    static int cannot_start(const Error& error) {
        log::error("cannot start", {{"error", error.context}});
        return 1;
    }

    runtime::Settings settings() {
        return {
            options_.status_retention, host_identity(), [this] { gates_.sooner(); },
            [this](const std::string& experiment, const std::vector<Probe>& probes,
                   std::optional<ProbePhase> phase) { prober_.follow(experiment, probes, phase); }};
    }

    docker::Client::Observer docker_observer() {
        return [this](std::string_view operation, Duration took, bool ok) {
            metrics_.docker_request(operation, took, ok);
        };
    }

    docker::Engine::Hooks engine_hooks() {
        return {.on_change = [this] { controller_.enqueue_active(); },
                .on_connected =
                    [this](const std::string& version) {
                        log::info("connected to Docker", {{"version", version}});
                        if (!std::exchange(swept_, true)) chores_.spawn(sweep());
                    },
                .on_disconnected =
                    [](const std::string& why) {
                        log::warning("Docker does not answer, trying again", {{"error", why}});
                    }};
    }

    runtime::Hosts::Hooks hosts_hooks() {
        return {.on_change = [this] { controller_.enqueue_active(); },
                .on_failure =
                    [](const std::string& name, const std::string& why) {
                        log::warning("hostname not resolved", {{"name", name}, {"error", why}});
                    }};
    }

    // What a life without a journal has left in the namespaces of this engine's containers.
    Task<> sweep() {
        std::set<std::string> ids;
        for (const auto& container : engine_.cache().containers()) ids.insert(container.id);
        note_orphans("network", co_await network_.sweep(std::move(ids)));
    }

    Task<> sweep_stressors() { note_orphans("stress", co_await stress_.sweep()); }

    void note_orphans(std::string_view kind, int count) {
        if (count == 0) return;
        metrics_.orphans_found(count);
        log::warning("faults that nobody knows of were removed",
                     {{"kind", kind}, {"count", std::to_string(count)}});
    }

    source::DirectorySource::Hooks source_hooks() {
        return {.on_update = [this](const source::Desired::Update& update) { take(update); },
                .on_halt = [this](bool there) { take_halt_file(there); },
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

    Controls controls() {
        return {controller_,
                gatekeeper_,
                config_,
                monkey_,
                [this] { apply_monkey(); },
                [this] { return keeps_stopped(); }};
    }

    // What of the configuration is in force at once.
    void take_config() {
        metrics_.config_valid(config_.problems().empty());
        for (const auto& problem : config_.problems()) {
            log::error(config_.config() ? "configuration: the last good one stays in force"
                                        : "configuration: nothing is admitted without a valid one",
                       {{"problem", problem}});
        }
        if (config_.config() && config_.config().get() != &gatekeeper_.config()) {
            gatekeeper_.configure(config_.config());
            log::info("configuration in force", {{"path", config_.path()}});
        }
        static_cast<void>(read_token(gatekeeper_.config().token_file));  // says what is wrong
        gatekeeper_.need_restart(why_restart());
        if (gatekeeper_.config().monkey.mode == MonkeyMode::kDisabled) {
            controller_.emergency_stop("the configuration says chaos_monkey.mode: disabled");
        }
        apply_monkey();
        controller_.reconfigured();
        gates_.at_once();
    }

    // What the configuration says and only a start can bring about; "" where all is in force.
    [[nodiscard]] std::string why_restart() const {
        const auto wanted = completed(given_, &gatekeeper_.config());
        std::string why;
        const auto compare = [&](const char* field, const std::string& now,
                                 const std::string& then) {
            if (now == then || then.empty()) return;
            why += (why.empty() ? "" : "; ") + std::string{field} + " is " + then + ", in use is " +
                   now;
        };
        compare("docker.host", options_.docker_host, wanted.docker_host);
        compare("manifests.directory", options_.manifests, wanted.manifests);
        return why;
    }

    void apply_monkey() {
        const auto& config = gatekeeper_.config();
        const auto mode = monkey_.mode(config);
        controller_.note(std::string{runtime::kMonkeyModeNote},
                         mode ? std::string{config::to_string(*mode)} : std::string{});
        source_.configure(config.custom_actions, monkey_.experiments(config, options_.manifests));
    }

    void take_halt_file(bool there) {
        if (std::exchange(halt_file_, there) == there || !there) return;
        controller_.emergency_stop("the file " + options_.manifests + "/" +
                                   std::string{source::kHaltFile} + " is there");
    }

    [[nodiscard]] std::string keeps_stopped() const {
        if (halt_file_) {
            return "the file " + options_.manifests + "/" + std::string{source::kHaltFile} +
                   " keeps everything stopped; remove it first";
        }
        if (gatekeeper_.config().monkey.mode == MonkeyMode::kDisabled) {
            return "the configuration says chaos_monkey.mode: disabled; change it there first";
        }
        return {};
    }

    // What changes something needs the token, where it does not come by the control socket.
    Task<telemetry::Response> remote(telemetry::Request request) {
        // Read each time, so that a token that was changed counts no more.
        const auto token = read_token(gatekeeper_.config().token_file);
        if (token.empty()) {
            co_return telemetry::Response{.status = 403,
                                          .body =
                                              "not on this address; use the control socket, or "
                                              "set http.token_file in the configuration\n"};
        }
        if (!carries_token(request.authorization, token)) {
            co_return telemetry::Response{.status = 401,
                                          .body = "expected Authorization: Bearer TOKEN\n"};
        }
        co_return co_await control(controls(), std::move(request));
    }

    Task<telemetry::Response> page(telemetry::Request request) {
        if (request.path.starts_with("/v1/")) co_return co_await remote(std::move(request));
        co_return look(request);
    }

    telemetry::Response look(const telemetry::Request& request) {
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
        for (;;) {
            auto [ec, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
            if (ec) co_return;
            const std::string name = number == SIGUSR1  ? "SIGUSR1"
                                     : number == SIGINT ? "SIGINT"
                                                        : "SIGTERM";
            // A controller that is stopped in the middle of something was stopped for a reason, for
            // all that is known; one that is idle is only restarted.
            if (number == SIGUSR1 || controller_.amid_experiments()) {
                controller_.emergency_stop(name + " at " + format_time(wall_now()) +
                                           (number == SIGUSR1 ? "" : ", while experiments ran"));
            }
            if (number != SIGUSR1) {
                stop(number);
                co_return;
            }
        }
    }

    void stop(int number) {
        log::info("stopping: undoing every fault", {{"signal", std::to_string(number)}});
        controller_.stop(kStopPatience);
    }

    // Sources before workers, and at the end the other way round: what undoes goes last.
    Task<> live() {
        parts_.spawn(wait_for_signal());
        parts_.spawn(guard_.keep_alive());
        parts_.spawn(engine_.run());
        parts_.spawn(hosts_.run());
        chores_.spawn(network_.prepare());
        chores_.spawn(sweep_stressors());
        parts_.spawn(config_.run([this] { take_config(); }));
        parts_.spawn(gates_.run());
        parts_.spawn(gates_.follow_incidents());
        parts_.spawn(source_.run());
        parts_.spawn(http_.run());
        parts_.spawn(control_.run());
        co_await controller_.run();
        gates_.stop();
        parts_.cancel();
        co_await parts_.join();
        co_await chores_.join();
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
        over_ = true;
    }

    const Options& given_;
    const Options& options_;
    ConfigSource& config_;
    guard::Process guard_;
    asio::io_context io_{1};
    telemetry::Metrics metrics_;
    docker::Engine engine_;
    EngineWorld world_;
    runtime::Gatekeeper gatekeeper_;
    container::ContainerReconciler container_;
    network::NetworkReconciler network_;
    stress::StressReconciler stress_;
    custom::CustomReconciler custom_;
    source::DirectorySource source_;
    TaskGroup parts_;
    // Short work on other threads: a cancellation would be given to those from this one. It is
    // waited for instead.
    TaskGroup chores_;
    runtime::Hosts hosts_;
    TaskGroup status_tasks_;
    runtime::StatusWriter writer_;
    runtime::Publisher publisher_;
    runtime::Controller controller_;
    runtime::Prober prober_;
    Monkey monkey_;
    GateWatch gates_;
    telemetry::HttpServer http_;
    telemetry::HttpServer control_;
    asio::signal_set signals_;
    std::string unavailable_;
    bool halt_file_ = false;
    bool swept_ = false;
    bool over_ = false;  // live() has ended
    int exit_code_ = 0;
};

}  // namespace

int run_parts(const Options& given, const Options& options, ConfigSource& config, State state) {
    return Daemon{given, options, config, std::move(state)}.run();
}

}  // namespace chaos::app
