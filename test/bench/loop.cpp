// The whole reconcile loop, in this process, on a world that answers at once and does not change.
#include <boost/asio/io_context.hpp>
#include <map>
#include <stdexcept>

#include "controller/runtime/controller.h"
#include "controller/telemetry/log.h"
#include "test/bench/figures.h"
#include "test/support/make.h"
#include "test/support/temp_dir.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

class StillWorld : public runtime::World {
public:
    explicit StillWorld(int count) {
        for (int i = 0; i < count; ++i) {
            containers_.push_back(container(name_of(i)));
            index_[containers_.back().name] = containers_.size() - 1;
        }
        std::ranges::sort(containers_, {}, &Container::name);
        for (std::size_t i = 0; i < containers_.size(); ++i) index_[containers_[i].name] = i;
    }
    static std::string name_of(int i) { return "c" + std::to_string(i); }

    [[nodiscard]] bool synced() const override { return true; }
    [[nodiscard]] const std::vector<Container>& containers() const override { return containers_; }
    // Once a reconcile: each experiment has one target.
    [[nodiscard]] Task<> ensure_details(std::string /*name*/) override {
        ++reconciles;
        co_return;
    }
    [[nodiscard]] Task<Result<bool>> start(std::string /*name*/) override { co_return true; }
    [[nodiscard]] const std::map<std::string, std::vector<std::string>>& hosts() const override {
        return hosts_;
    }
    void want_host(const std::string& /*name*/) override {}
    [[nodiscard]] Task<Result<Executed>> execute(std::string /*name*/,
                                                 std::vector<std::string> /*command*/,
                                                 Duration /*timeout*/) override {
        co_return Executed{};
    }

    void set(const std::string& name, ContainerState state) {
        containers_[index_.at(name)].state = state;
    }

    int reconciles = 0;

private:
    std::vector<Container> containers_;
    std::map<std::string, std::size_t> index_;
    std::map<std::string, std::vector<std::string>> hosts_;
};

class StillReconciler : public runtime::Reconciler {
public:
    explicit StillReconciler(StillWorld& world) : world_(world) {}
    [[nodiscard]] Task<Result<Effect>> inject(const FaultRecord& record, bool /*again*/) override {
        world_.set(record.target, ContainerState::kPaused);
        co_return Effect{std::chrono::system_clock::now(), {{"state", "paused"}}};
    }
    [[nodiscard]] Task<Result<Effect>> observe(const FaultRecord& /*record*/) override {
        co_return Effect{std::chrono::system_clock::now(), {}};
    }
    void restore(const FaultRecord& /*record*/) override {}
    [[nodiscard]] Task<Result<Effect>> undo(const FaultRecord& record) override {
        world_.set(record.target, ContainerState::kRunning);
        co_return Effect{std::chrono::system_clock::now(), {}};
    }

private:
    StillWorld& world_;
};

std::string manifest_of(int i) {
    return "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata: {name: e" +
           std::to_string(i) +
           "}\nspec:\n  duration: 20m\n  targets: [{service: " + StillWorld::name_of(i) +
           "}]\n  scenarios: [{name: s, actions: [{type: container_pause}]}]\n";
}

source::Scan scan_of(int count) {
    source::Scan scan;
    for (int i = 0; i < count; ++i) {
        scan.files["e" + std::to_string(i) + ".yaml"] = std::make_shared<const source::File>(
            source::File{manifest::decode(manifest_of(i)), kT0 - 1h, kT0 - 1h});
    }
    return scan;
}

void ignore_bug(std::string_view what) { throw std::runtime_error(std::string{what}); }

}  // namespace

std::vector<Figure> loop_reconciles() {
    constexpr int kExperiments = 200;
    constexpr int kRounds = 20;
    log::configure(log::Level::kError, log::Format::kText);
    const TempDir dir;
    boost::asio::io_context io{1};
    StillWorld world{kExperiments};
    StillReconciler reconciler{world};
    telemetry::Metrics metrics;
    TaskGroup tasks{io.get_executor(), ignore_bug};
    runtime::StatusWriter writer{tasks, [](const std::string&) {}};
    runtime::Publisher publisher{dir.path(), writer};
    source::Desired desired;
    runtime::Gatekeeper gatekeeper{world, ""};
    Config config;
    config.global.max_concurrent_experiments = kExperiments;
    config.safety.min_healthy_services = 0;  // all of them are paused
    config.safety.max_cpu_usage = 100;       // by this very loop
    config.safety.max_memory_usage = 100;
    gatekeeper.configure(std::make_shared<const Config>(std::move(config)));
    runtime::Controller controller{io.get_executor(),
                                   {},
                                   world,
                                   gatekeeper,
                                   {reconciler, reconciler, reconciler, reconciler},
                                   desired,
                                   store::Store::open(dir / "state").value(),
                                   publisher,
                                   metrics};
    controller.restore().value();
    tasks.spawn(controller.run());
    const auto update = desired.update(scan_of(kExperiments), {}, kT0);
    controller.first_look();
    controller.enqueue(update.changed);
    // Until all is in force and nothing is left to write.
    const auto settled = [&] {
        return std::ranges::all_of(
                   world.containers(),
                   [](const Container& c) { return c.state == ContainerState::kPaused; }) &&
               writer.idle();
    };
    while (!settled()) io.run_one();
    io.run_for(500ms);
    Figure figure{"reconciles that change nothing (whole loop)", "1/s", {}};
    for (int round = 0; round < kRounds; ++round) {
        const int goal = world.reconciles + kExperiments;
        const auto start = Steady::now();
        controller.enqueue_active();
        while (world.reconciles < goal) io.run_one();
        const std::chrono::duration<double> took = Steady::now() - start;
        figure.samples.push_back(kExperiments / took.count());
        io.poll();
    }
    controller.stop(5s);
    io.run();
    return {figure};
}

}  // namespace chaos::bench
