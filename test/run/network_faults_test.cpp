// Network faults in the pure core: changed in place, followed, looked at again.
#include <random>

#include "controller/run/peers.h"
#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

NetworkFault latency(Duration latency, std::vector<std::string> services = {}) {
    NetworkFault fault{.action = NetworkAction::kLatency, .delay = Delay{.latency = latency}};
    if (!services.empty()) fault.to = Peers{.services = std::move(services)};
    return fault;
}

Container addressed(const std::string& name, const std::string& address) {
    auto c = container(name);
    c.addresses = {address};
    return c;
}

Sim slow_sim(std::vector<std::string> to = {}) {
    return sim(spec({service("web")}, {action(latency(100ms, std::move(to)), 2min)}),
               {container("web"), addressed("db", "10.0.0.2")});
}

const NetworkFault& in_kernel(const Sim& s) {
    REQUIRE(s.kernel.size() == 1);
    return std::get<NetworkFault>(s.kernel.begin()->second.spec);
}

const std::string kInject = "inject network_latency web";

}  // namespace

TEST_CASE(
    "Whoever joins the target's network and must be spared ends the fault, and only meanwhile") {
    auto s = slow_sim();
    s.spec.safety.safe_mode = true;
    s.settle();
    auto sidecar = container("sidecar");
    sidecar.network_of = s.at("web").id;
    s.containers.push_back(sidecar);
    s.settle();
    CHECK(s.done == Lines{kInject});
    SECTION("protected") { s.policy.safety.protected_services = {"sidecar"}; }
    SECTION("critical, in safe mode") { s.policy.safety.critical_services = {"sidecar"}; }
    s.settle();
    CHECK(s.done == Lines{kInject, "undo network_latency web"});
    CHECK(s.run.phase == Phase::kRunning);
    std::erase_if(s.containers, [](const Container& c) { return c.name == "sidecar"; });
    s.settle();
    CHECK(s.done == Lines{kInject, "undo network_latency web", kInject});
}

TEST_CASE("A network fault comes, is looked at again and again, and goes") {
    auto s = slow_sim();
    const auto next = s.settle();
    CHECK(s.done == Lines{kInject});
    CHECK(s.run.phase == Phase::kRunning);
    REQUIRE(next == kT0 + kObserveInterval);
    s.now = *next;
    s.settle();
    CHECK(s.done == Lines{kInject, "observe web"});
    s.now = kT0 + 2min;
    s.settle();
    CHECK(s.done.back() == "undo network_latency web");
    CHECK(s.kernel.empty());
    CHECK(s.run.verdict == Verdict::kPass);
}

TEST_CASE("An edit changes it in place: it is never undone in between") {
    auto s = slow_sim();
    s.settle();
    const auto injected_at = s.run.faults[0].injected_at;
    s.now += 10s;
    std::get<NetworkFault>(s.spec.scenarios[0].actions[0].fault).delay->latency = 250ms;
    s.settle();
    CHECK(in_kernel(s).delay->latency == 250ms);
    CHECK(std::ranges::count(s.done, kInject) == 2);
    CHECK(std::ranges::count(s.done, "undo network_latency web") == 0);
    CHECK(s.run.faults[0].injected_at == injected_at);
    CHECK(s.run.events.back().message == "changed network_latency on web in place");
}

TEST_CASE("Its end moves with the duration, in the kernel too") {
    auto s = slow_sim();
    s.settle();
    s.now += 10s;
    const auto longer = GENERATE(30s, 5min);
    s.spec.scenarios[0].actions[0].duration = longer;
    s.settle();
    CHECK(s.kernel.begin()->second.ends_at == kT0 + longer);
    CHECK(std::ranges::count(s.done, kInject) == 2);
}

TEST_CASE(
    "The next life of the container gets it again, the next life of the controller confirms") {
    auto s = slow_sim();
    s.settle();
    SECTION("container") {
        s.now += 1s;
        s.die("web");
        s.settle();
        CHECK(s.done.size() == 1);
        s.now += 1s;
        s.start("web");
        s.settle();
        CHECK(s.done == Lines{kInject, kInject});
        CHECK(s.kernel.begin()->second.life == *s.at("web").incarnation);
    }
    SECTION("controller: no second event, no second beginning") {
        const auto events = s.run.events.size();
        const auto injected_at = s.run.faults[0].injected_at;
        s.run.faults[0].observed_at.reset();  // not in the journal
        s.now += 1s;
        s.settle();
        CHECK(s.done == Lines{kInject, kInject});
        CHECK(s.run.events.size() == events);
        CHECK(s.run.faults[0].injected_at == injected_at);
    }
}

TEST_CASE("Services are followed to their addresses; without any the fault waits") {
    auto s = slow_sim({"db"});
    s.at("db").addresses.clear();
    s.settle();
    CHECK(s.done.empty());
    CHECK(s.run.events.back().reason == "NoPeers");
    s.at("db").addresses = {"10.0.0.7"};
    s.now += 1s;
    s.settle();
    CHECK(s.kernel.begin()->second.peers.to == Lines{"10.0.0.7"});
    s.at("db").addresses = {"10.0.0.8"};
    s.settle();
    CHECK(s.kernel.begin()->second.peers.to == Lines{"10.0.0.8"});
    SECTION("a service that is gone for the moment is hit no more, and nobody else is") {
        s.at("db").addresses.clear();
        s.settle();
        CHECK(s.kernel.begin()->second.peers.to.empty());
        CHECK(std::ranges::count(s.done, "undo network_latency web") == 0);
    }
    SECTION("one that shares another's network is found under the other's address") {
        auto sidecar = container("sidecar");
        sidecar.network_of = long_id("db");
        s.containers.push_back(sidecar);
        std::get<NetworkFault>(s.spec.scenarios[0].actions[0].fault).to->services = {"sidecar"};
        s.settle();
        CHECK(s.kernel.begin()->second.peers.to == Lines{"10.0.0.8"});
    }
}

TEST_CASE("Whom an exception spares must be known before anything is done") {
    auto s = slow_sim();
    auto& fault = std::get<NetworkFault>(s.spec.scenarios[0].actions[0].fault);
    fault.except = Peers{.hostnames = {"api.example.com"}};
    s.settle();
    CHECK(s.done.empty());
    CHECK_THAT(s.run.events.back().message,
               Catch::Contains("the addresses of api.example.com, which the fault is to spare"));
    // A service that is not there needs no sparing.
    fault.except = Peers{.services = {"nobody"}};
    s.settle();
    CHECK(s.done == Lines{kInject});
}

TEST_CASE("A restart of the controller, or an edit, does not hit whom the fault is to spare") {
    auto s = slow_sim();
    auto& fault = std::get<NetworkFault>(s.spec.scenarios[0].actions[0].fault);
    fault.except = Peers{.services = {"db"}};
    s.settle();
    CHECK(s.kernel.begin()->second.peers.except == Lines{"10.0.0.2"});
    SECTION("its address is not known for the moment") {
        s.at("db").addresses.clear();
        s.at("db").incarnation.reset();
        s.run.faults[0].observed_at.reset();
        s.settle();
        CHECK(s.kernel.begin()->second.peers.except == Lines{"10.0.0.2"});
    }
    SECTION("somebody else is to be spared, and cannot be found") {
        fault.except->hostnames = {"api.example.com"};
        s.settle();
        CHECK(s.kernel.empty());
    }
}

TEST_CASE("A protected container that shares the target's network keeps the fault away") {
    auto s = slow_sim();
    auto sidecar = container("sidecar");
    sidecar.network_of = long_id("web");
    sidecar.labels[std::string{kProtectedLabel}] = "true";
    s.containers.push_back(sidecar);
    s.settle();
    CHECK(s.done.empty());
    CHECK(s.run.events.back().reason == "Protected");
    std::erase_if(s.containers, [](const auto& c) { return c.name == "sidecar"; });
    s.settle();
    CHECK(s.done == Lines{kInject});
}

TEST_CASE(
    "What the kernel cannot do ends the run, and is tried anew after an edit that asks less") {
    auto s = slow_sim();
    s.inject_error = Error{ErrorCode::kUnsupported, "sch_netem is missing"};
    s.settle();
    CHECK(s.run.phase == Phase::kFailed);
    CHECK(s.run.reason == "Unsupported");
}

TEST_CASE("Overlapping network faults of one kind are two, not one that lasts longer") {
    auto two = spec({service("web")}, {action(latency(100ms), 1min), action(latency(50ms), 2min)});
    two.scenarios[0].order = Order::kParallel;
    auto s = sim(two, {container("web")});
    s.settle();
    CHECK(s.kernel.size() == 2);
    s.now = kT0 + 1min;
    s.settle();
    CHECK(in_kernel(s).delay->latency == 50ms);
}

TEST_CASE("While paused by the annotation nothing is in force, and it goes on afterwards") {
    auto s = slow_sim();
    s.settle();
    s.now += 30s;
    s.paused = true;
    s.settle();
    CHECK(s.kernel.empty());
    s.now += 1h;
    s.paused = false;
    s.settle();
    CHECK(s.kernel.begin()->second.ends_at == s.now + 90s);
}

TEST_CASE(
    "Whatever happens, the kernel never holds a network fault past its end or of a dead spec") {
    const auto seed = GENERATE(range(1, 60));
    std::mt19937 random{static_cast<unsigned>(seed)};
    auto s = slow_sim({"db"});
    auto& act = s.spec.scenarios[0].actions[0];
    for (int step = 0; step < 60 && !s.run.settled; ++step) {
        s.now += std::chrono::seconds{random() % 7};
        switch (random() % 9) {
            case 0: s.die("web"); break;
            case 1: s.start("web"); break;
            case 2: s.at("db").addresses = {"10.0.0." + std::to_string(random() % 9)}; break;
            case 3: s.at("db").addresses.clear(); break;
            case 4: act.duration = std::chrono::seconds{20 + random() % 100}; break;
            case 5:
                std::get<NetworkFault>(act.fault).delay->latency = 1ms * (1 + random() % 500);
                break;
            case 6: s.paused = !s.paused; break;
            case 7:
                for (auto& fault : s.run.faults) fault.observed_at.reset();
                break;
            default: s.wanted = s.wanted && random() % 6 != 0; break;
        }
        s.settle();
        INFO("seed " << seed << " step " << step);
        CHECK(s.last_plan.empty());  // a second plan on an unchanged world
        for (const auto& [id, held] : s.kernel) {
            CHECK(held.ends_at > s.now);
            CHECK(s.wanted);
            CHECK_FALSE(s.paused);
            if (!s.at("web").running() || s.at("web").incarnation != held.life) continue;
            CHECK(held.spec == act.fault);
            CHECK(held.peers.to == s.at("db").addresses);
        }
    }
}

TEST_CASE("A network fault of a paused container goes on being looked at") {
    auto s = slow_sim();
    s.settle();
    s.at("web").state = ContainerState::kPaused;
    s.now += kObserveInterval;
    s.settle();
    CHECK(s.done == Lines{kInject, "observe web"});
}
