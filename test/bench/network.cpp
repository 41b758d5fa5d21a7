// Network faults: what one costs, how fast a manifest becomes one, how fast all are gone; and the
// same work done by a script of nsenter, tc and nft.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "controller/api/clock.h"
#include "reconcilers/network/nfnetlink.h"
#include "reconcilers/network/reconciler.h"
#include "test/bench/figures.h"
#include "test/network/docker_network.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

constexpr int kNamespaces = 50;
constexpr int kFaultsEach = 10;

struct Target {
    std::string name;
    Incarnation life;
};

std::vector<Target> start_targets(Containers& containers, const DockerNetwork& network, int count) {
    std::vector<Target> targets;
    for (int i = 0; i < count; ++i) {
        const auto name = containers.start("n" + std::to_string(i), {.network = network.name()});
        targets.push_back(
            {name,
             {containers.inspect(name, "{{.Id}}"), containers.inspect(name, "{{.State.StartedAt}}"),
              std::stoi(containers.inspect(name, "{{.State.Pid}}"))}});
    }
    return targets;
}

FaultRecord record(const Target& target, const std::string& experiment, NetworkFault fault) {
    FaultRecord record{.id = "s/0:x@" + target.name, .target = target.name};
    record.incarnation = target.life;
    record.experiment = experiment;
    record.ends_at = wall_now() + std::chrono::minutes{5};
    if (fault.to) record.peers.to = fault.to->cidrs;
    if (fault.partition) record.peers.partition = fault.partition->cidrs;
    record.spec = std::move(fault);
    return record;
}

NetworkFault limited() {
    return {.action = NetworkAction::kBandwidth,
            .bandwidth = Bandwidth{.rate = 125'000},
            .to = Peers{.cidrs = {"10.9.9.9"}}};
}

NetworkFault cut(int i) {
    return {.action = NetworkAction::kPartition,
            .partition = Peers{.cidrs = {"10.9.8." + std::to_string(i)}}};
}

// Runs a coroutine of the reconciler to its end; how long that took.
class Runner {
public:
    network::NetworkReconciler reconciler;

    double inject(const FaultRecord& record) { return run(injecting(record)); }
    double undo(const FaultRecord& record) { return run(undoing(record)); }

    // All at once, as an emergency stop does.
    double undo_all(const std::vector<FaultRecord>& records) {
        boost::asio::io_context io{1};
        for (const auto& r : records) {
            boost::asio::co_spawn(io, undoing(r), boost::asio::detached);
        }
        const auto start = Steady::now();
        io.run();
        check();
        return milliseconds(Steady::now() - start);
    }

private:
    Task<> injecting(FaultRecord record) { note(co_await reconciler.inject(record, false)); }
    Task<> undoing(FaultRecord record) { note(co_await reconciler.undo(record)); }

    void note(const Result<Effect>& effect) {
        if (!effect) error_ = effect.error().context;
    }
    void check() const {
        if (!error_.empty()) throw std::runtime_error(error_);
    }
    double run(Task<> task) {
        boost::asio::io_context io{1};
        boost::asio::co_spawn(io, std::move(task), boost::asio::detached);
        const auto start = Steady::now();
        io.run();
        check();
        return milliseconds(Steady::now() - start);
    }

    std::string error_;
};

// The same tree and rules as limited(), as somebody would script them.
constexpr const char* kScriptInject = R"(
tc qdisc add dev eth0 root handle c4a0: htb
tc class add dev eth0 parent c4a0: classid c4a0:1 htb rate 80gbit
tc qdisc add dev eth0 parent c4a0:1 handle e001: tbf rate 1mbit burst 3028 limit 18168
nft -f - <<EOF
table inet chaos_sutazai {
  counter c6 { }
  set live6 { type ifname; flags timeout; elements = { "eth0" timeout 300s } }
  chain hit6 {
    counter name c6
    meta priority set c4a0:1
  }
  chain out6 {
    ip daddr 10.9.9.9 goto hit6
  }
  chain outgoing {
    type filter hook postrouting priority 300
    oifname @live6 jump out6
  }
}
EOF
)";
constexpr const char* kScriptUndo =
    "nft delete table inet chaos_sutazai; tc qdisc del dev eth0 root";

double script(const Target& target, const char* text) {
    const auto start = Steady::now();
    const auto done =
        run_program({"nsenter", "--net=/proc/" + std::to_string(target.life.pid) + "/ns/net", "sh",
                     "-ec", text});
    if (done.exit_code != 0) throw std::runtime_error("script: " + done.out);
    return milliseconds(Steady::now() - start);
}

// Looks into one namespace, again and again.
class Watcher {
public:
    explicit Watcher(int pid) {
        const auto space = network::Namespace::open("/proc/" + std::to_string(pid) + "/ns/net");
        if (!space) throw std::runtime_error(space.error().context);
        const auto entered = space->run([&] {
            tables_ = network::Nfnetlink::open();
            link_ = network::Rtnetlink::open();
        });
        if (!entered || !tables_ || !link_) throw std::runtime_error("watcher");
    }

    // Rules come last and go first; qdiscs the other way round.
    void wait_for_fault() {
        wait([&] { return tables_->look().value().tables.inet; });
    }
    void wait_for_clean() {
        wait([&] {
            const auto all = link_->qdiscs().value();
            return std::ranges::none_of(
                all, [](const network::Observed& q) { return q.handle == network::kRoot; });
        });
    }

private:
    template <class Condition>
    static void wait(const Condition& condition) {
        const auto end = Steady::now() + std::chrono::seconds{10};
        while (!condition()) {
            if (Steady::now() > end) throw std::runtime_error("it does not come");
        }
    }

    Result<network::Nfnetlink> tables_ = fail(ErrorCode::kInternal, "");
    Result<network::Rtnetlink> link_ = fail(ErrorCode::kInternal, "");
};

std::string bandwidth_of(const std::string& name, const std::string& target) {
    return experiment(name, by_name(target),
                      "{type: network_bandwidth, parameters: {rate: 1mbit, to: {cidrs: "
                      "[10.9.9.9]}}}");
}

Figure ratio(const std::string& name, const Figure& script, const Figure& ours) {
    return {name, "x", {percentile(script.samples, 0.5) / percentile(ours.samples, 0.5)}};
}

}  // namespace

std::vector<Figure> network_faults(int samples) {
    const DockerNetwork network;
    Containers containers;
    const auto targets = start_targets(containers, network, kNamespaces);
    Runner runner;
    Figure inject{"network fault: inject, per container", "ms", {}};
    Figure undo{"network fault: undo, per container", "ms", {}};
    Figure script_inject{"the same by nsenter, tc and nft: inject", "ms", {}};
    Figure script_undo{"the same by nsenter, tc and nft: undo", "ms", {}};
    for (int i = 0; i < std::max(samples, 500); ++i) {
        const auto& target = targets[static_cast<std::size_t>(i % kNamespaces)];
        const auto fault = record(target, "e", limited());
        inject.samples.push_back(runner.inject(fault));
        undo.samples.push_back(runner.undo(fault));
        script_inject.samples.push_back(script(target, kScriptInject));
        script_undo.samples.push_back(script(target, kScriptUndo));
    }
    Figure all{"emergency undo: 500 faults in 50 namespaces", "ms", {}};
    Figure script_all{"the same by nsenter, tc and nft, one after the other", "ms", {}};
    for (int round = 0; round < 10; ++round) {
        std::vector<FaultRecord> records;
        for (const auto& target : targets) {
            for (int i = 0; i < kFaultsEach; ++i) {
                records.push_back(
                    record(target, "e" + std::to_string(i), i == 0 ? limited() : cut(i)));
                (void)runner.inject(records.back());
            }
        }
        all.samples.push_back(runner.undo_all(records));
        for (const auto& target : targets) (void)script(target, kScriptInject);
        double sum = 0;
        for (const auto& target : targets) sum += script(target, kScriptUndo);
        script_all.samples.push_back(sum);
    }
    const auto faster_inject = ratio("script / ours: inject", script_inject, inject);
    const auto faster_undo = ratio("script / ours: undo", script_undo, undo);
    const auto faster_all = ratio("script / ours: emergency undo", script_all, all);
    return {inject,     undo,          script_inject, script_undo, all,
            script_all, faster_inject, faster_undo,   faster_all};
}

std::vector<Figure> network_manifests(int samples) {
    const DockerNetwork network;
    Containers containers;
    const auto targets = start_targets(containers, network, 10);
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    Figure there{"manifest written -> network fault in the kernel", "ms", {}};
    Figure gone{"manifest deleted -> namespace clean", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto& target = targets[static_cast<std::size_t>(i % 10)];
        Watcher watcher{target.life.pid};
        const auto name = "net-" + std::to_string(i);
        const auto text = bandwidth_of(name, target.name);
        auto start = Steady::now();
        lab.write(name + ".yaml", text);
        watcher.wait_for_fault();
        there.samples.push_back(milliseconds(Steady::now() - start));
        lab.expect_phase(name, "Running");
        start = Steady::now();
        lab.remove(name + ".yaml");
        watcher.wait_for_clean();
        gone.samples.push_back(milliseconds(Steady::now() - start));
        lab.expect_phase(name, "Aborted");
    }
    return {there, gone};
}

// From Docker's StartedAt to the injection into the new life.
std::vector<Figure> network_restart(int samples) {
    const DockerNetwork network;
    Containers containers;
    const auto target = containers.start("restless", {.network = network.name()});
    Lab lab{containers};
    lab.start({"--log-level", "info"});
    auto text = bandwidth_of("again", target);
    text.replace(text.find("duration: 5m"), 12, "duration: 30m");
    lab.write("again.yaml", text);
    lab.expect_phase("again", "Running");
    const auto injected_at = [&] {
        const auto status = lab.status("again");
        const auto* targets = status.find("targets");
        if (targets == nullptr || targets->items.empty()) return std::string{};
        return targets->items[0].find("faults")->items.at(0).text_at("injected_at");
    };
    Figure figure{"container started -> network fault present again", "ms", {}};
    for (int i = 0; i < samples; ++i) {
        const auto before = injected_at();
        containers.docker({"restart", "-t", "0", target});
        if (!until([&] { return injected_at() != before && !injected_at().empty(); })) {
            throw std::runtime_error("not injected again");
        }
        const auto started = parse_time(containers.inspect(target, "{{.State.StartedAt}}"));
        const auto injected = parse_time(injected_at());
        // As in latency.cpp: the status has whole milliseconds, cut off.
        figure.samples.push_back(
            std::chrono::duration<double, std::milli>(*injected - *started).count() + 0.5);
    }
    lab.remove("again.yaml");
    return {figure};
}

// SIGTERM with 500 faults in force: until the controller has ended, all undone and verified.
std::vector<Figure> network_stop() {
    const DockerNetwork network;
    Containers containers;
    const auto targets = start_targets(containers, network, kNamespaces);
    Figure figure{"SIGTERM with 500 network faults -> all undone, ended", "ms", {}};
    for (int round = 0; round < 5; ++round) {
        Lab lab{containers};
        lab.start({"--log-level", "info"});
        std::string actions =
            "{type: network_bandwidth, parameters: {rate: 1mbit, to: {cidrs: [10.9.9.9]}}}";
        for (int i = 1; i < kFaultsEach; ++i) {
            actions += ", {type: network_partition, parameters: {from: {cidrs: [10.9.8." +
                       std::to_string(i) + "]}}}";
        }
        auto text =
            experiment("all", "{selector: {names: [\"" + containers.prefix() + "n*\"]}, mode: all}",
                       actions, "  safety: {max_affected_services: 1000}\n");
        text.replace(text.find("{name: s,"), 9, "{name: s, order: parallel,");
        lab.write("all.yaml", text);
        lab.expect_phase("all", "Running");
        const auto start = Steady::now();
        if (lab.stop(SIGTERM) != 0) throw std::runtime_error("not all was undone");
        figure.samples.push_back(milliseconds(Steady::now() - start));
    }
    return {figure};
}

}  // namespace chaos::bench
