// Gates and protection in the life of a run; and random days, in which neither is ever broken.
#include <random>

#include "controller/run/admission.h"
#include "controller/run/lifecycle.h"
#include "test/support/catch.h"
#include "test/support/sim.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

const safety::Closed kBusy{"CpuUsage", "the host's CPU usage is 90.0 %"};

}  // namespace

TEST_CASE("A run waits for its gates, and begins when they open") {
    auto s = pause_sim();
    s.closed = {kBusy};
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "CpuUsage");
    CHECK(s.run.message == kBusy.message);
    CHECK(s.run.targets.empty());
    // Another figure of the same gate is no news.
    const auto events = s.run.events.size();
    s.closed = {{"CpuUsage", "the host's CPU usage is 91.0 %"}};
    s.settle();
    CHECK(s.run.events.size() == events);
    s.closed.clear();
    s.settle();
    CHECK(s.run.phase == Phase::kRunning);
}

TEST_CASE("A target that is ill already is waited for") {
    auto s = pause_sim();
    s.at("web").health = Health::kUnhealthy;
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "TargetUnhealthy");
    CHECK(s.run.message == "container web is unhealthy already");
    s.set_health("web", Health::kHealthy);
    s.settle();
    CHECK(s.run.phase == Phase::kRunning);
}

TEST_CASE("A gate that closes ends what runs and undoes it") {
    auto s = pause_sim();
    s.settle();
    s.closed = {kBusy};
    s.settle();
    CHECK_FALSE(s.run.holds_faults());
    CHECK(s.run.phase == Phase::kAborted);
    CHECK(s.run.reason == "CpuUsage");
    s.closed.clear();
    s.settle();
    CHECK(s.run.phase == Phase::kAborted);  // it does not come again by itself
}

TEST_CASE("A target that becomes protected is undone alone") {
    auto s = sim(spec({service("web-*")}, {action(ContainerPause{}, 5min)}),
                 {container("web-1"), container("web-2")});
    s.spec.targets[0].mode = Mode::kAll;
    s.spec.safety.max_affected_services = 5;
    s.settle();
    REQUIRE(s.at("web-1").state == ContainerState::kPaused);
    s.policy.safety.protected_services = {"web-1"};
    s.settle();
    CHECK(s.at("web-1").state == ContainerState::kRunning);
    CHECK(s.at("web-2").state == ContainerState::kPaused);
}

TEST_CASE("Whoever may be hit later is waited for, and a one-shot is not lost") {
    auto s = pause_sim();
    s.policy.rested = {"web"};
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "SparedForNow");
    CHECK(s.run.message == "container web: hit less than chaos_monkey.min_spacing ago");
    s.policy.rested.clear();
    s.settle();
    CHECK(s.run.phase == Phase::kRunning);
}

TEST_CASE("Whoever may be hit later is waited for, also where another replica is down") {
    auto down = container("web-1");
    down.state = ContainerState::kExited;
    down.incarnation.reset();
    auto s =
        sim(spec({service("web-*")}, {action(ContainerPause{}, 5min)}), {down, container("web-2")});
    s.policy.rested = {"web-2"};
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "SparedForNow");
    s.now += 10s;
    s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
}

TEST_CASE("A container that is only being started is waited for, for a moment") {
    auto s = pause_sim();
    s.at("web").state = ContainerState::kCreated;
    s.at("web").incarnation.reset();
    const auto next = s.settle();
    CHECK(s.run.phase == Phase::kWaiting);
    CHECK(s.run.reason == "NoTargets");
    REQUIRE(next == kT0 + kStartPatience);
    SECTION("it comes") {
        s.start("web");
        s.settle();
        CHECK(s.run.phase == Phase::kRunning);
    }
    SECTION("it does not") {
        s.now = *next;
        s.settle();
        CHECK(s.run.phase == Phase::kFailed);
        CHECK(s.run.reason == "NoTargets");
    }
}

TEST_CASE("A stop that ends a namespace's owner spares the protected one beside it") {
    for (const FaultSpec& fault :
         {FaultSpec{ContainerKill{}}, FaultSpec{ContainerStop{}}, FaultSpec{ContainerRestart{}}}) {
        auto sidecar = container("sidecar");
        sidecar.network_of = container("web").id;
        auto s = sim(spec({service("web")}, {action(fault, 5min)}), {container("web"), sidecar});
        s.policy.safety.protected_services = {"sidecar"};
        s.settle();
        CHECK(s.done.empty());
        s.policy.safety.protected_services.clear();
        s.settle();
        REQUIRE(s.done.size() == 1);
        // It came again, and so did the protection.
        s.policy.safety.protected_services = {"sidecar"};
        s.start("web");
        s.settle();
        CHECK(s.done.size() == 1);
        // A pause leaves the network as it is.
        auto p = sim(spec({service("web")}, {action(ContainerPause{}, 5min)}),
                     {container("web"), sidecar});
        p.policy = s.policy;
        p.settle();
        CHECK(p.done == Lines{"inject container_pause web"});
    }
}

TEST_CASE("In random days no gate is passed and nobody protected is touched") {
    constexpr int kDays = 150;
    constexpr int kSteps = 60;
    for (unsigned day = 0; day < kDays; ++day) {
        std::mt19937 random{day};
        const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
        std::vector<Container> containers;
        for (const auto* name : {"a-1", "a-2", "b-1", "c-1", "d-1"}) {
            containers.push_back(container(name, std::string{name}.substr(0, 1)));
        }
        auto s = sim(spec({service("*")},
                          {action(ContainerPause{}, 20s), action(ContainerKill{}),
                           action(ContainerStop{}, 20s)},
                          25min),
                     containers);
        s.spec.targets[0].mode = Mode::kAll;
        s.spec.safety.max_affected_services = 2;
        s.spec.on_no_targets = OnNoTargets::kWait;
        s.dependencies = {{"c", {"a"}}, {"d", {"b"}}};
        for (int i = 0; i < kSteps && !s.run.settled; ++i) {
            s.now += std::chrono::seconds{random() % 15};
            if (chance(15))
                s.closed = s.closed.empty() ? std::vector{kBusy} : std::vector<safety::Closed>{};
            if (chance(15))
                s.policy.safety.protected_services = {std::string(1, "abcd"[random() % 4])};
            if (chance(10))
                s.policy.safety.critical_services = {std::string(1, "abcd"[random() % 4])};
            if (chance(10)) s.policy.busy = {std::string(1, "abcd"[random() % 4])};
            if (chance(5)) s.policy.safety.require_opt_in = chance(50);
            if (chance(10)) s.paused = !s.paused;
            if (chance(5)) s.synced = !s.synced;
            const std::string name = containers[random() % containers.size()].name;
            if (chance(15) && s.at(name).running()) s.die(name);
            if (chance(25) && !s.at(name).running()) s.start(name);
            if (chance(2)) s.wanted = false;
            s.done.clear();
            s.settle();
            INFO("day " << day << " step " << i);
            std::set<std::string> hit;
            for (const auto& line : s.done) {
                if (!line.starts_with("inject ")) continue;
                CHECK(s.closed.empty());
                const auto target = line.substr(line.rfind(' ') + 1);
                CHECK_FALSE(safety::why_spared(s.policy, s.at(target), true));
            }
            for (const auto& fault : s.run.faults) {
                if (fault.holds()) hit.insert(fault.service);
            }
            CHECK(hit.size() <= 2);
            if (s.synced && !s.closed.empty()) CHECK(hit.empty());
            for (const auto& service : hit) {
                if (!s.synced) break;
                CHECK(std::ranges::count(s.policy.safety.protected_services, service) == 0);
                CHECK(std::ranges::count(s.policy.safety.critical_services, service) == 0);
            }
        }
    }
}
