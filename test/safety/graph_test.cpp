#include "controller/safety/graph.h"

#include <catch2/catch.hpp>

#include "controller/run/selection.h"
#include "controller/safety/health.h"
#include "controller/safety/policy.h"

namespace chaos::safety {
namespace {

Container of(const std::string& service, const std::string& needs = "", int number = 1) {
    Container container;
    container.name = service + "-" + std::to_string(number);
    container.id = container.name;
    container.state = ContainerState::kRunning;
    container.labels[std::string{kComposeProjectLabel}] = "shop";
    container.labels[std::string{kComposeServiceLabel}] = service;
    if (!needs.empty()) container.labels[std::string{kDependsOnLabel}] = needs;
    return container;
}

std::vector<Container> shop() {
    return {of("frontend", "backend:service_started:false"),
            of("backend", "db:service_healthy:true,cache:service_started:false"), of("db"),
            of("cache"), of("mail")};
}

std::vector<std::string> picks(const Spec& spec, const std::vector<Container>& containers,
                               const Policy& policy, std::uint64_t seed = 1) {
    std::vector<std::string> names;
    for (const auto& pick : run::select(spec, seed, containers, {}, policy).picks) {
        names.push_back(pick.name);
    }
    return names;
}

Spec all_of(const std::string& pattern, std::int64_t services = 100) {
    Spec spec;
    spec.safety.max_affected_services = services;
    spec.targets = {{.service = pattern, .selector = {}, .exclude = {}, .mode = Mode::kAll}};
    return spec;
}

}  // namespace

TEST_CASE("Compose's labels and the configuration make one graph") {
    const Graph graph{shop(), {{"mail", {"db", "smtp.example.com"}}}};
    CHECK(graph.dependencies("shop/frontend") ==
          std::map<std::string, int>{{"shop/backend", 1}, {"shop/db", 2}, {"shop/cache", 2}});
    CHECK(graph.dependents("shop/db") ==
          std::map<std::string, int>{{"shop/backend", 1}, {"shop/frontend", 2}, {"shop/mail", 1}});
    CHECK(graph.on_one_path("shop/frontend", "shop/cache"));
    CHECK(graph.on_one_path("shop/cache", "shop/frontend"));
    CHECK_FALSE(graph.on_one_path("shop/cache", "shop/db"));
    CHECK(graph.nodes().at("smtp.example.com").containers.empty());
}

TEST_CASE("A circle ends the walk") {
    const Graph graph{{of("a", "b:x:y"), of("b", "a:x:y")}, {}};
    CHECK(graph.dependents("shop/a") == std::map<std::string, int>{{"shop/b", 1}});
    CHECK(graph.on_one_path("shop/a", "shop/b"));
}

TEST_CASE("Health is all containers that are meant to run") {
    auto containers = shop();
    containers[2].health = Health::kUnhealthy;
    containers[3].state = ContainerState::kExited;
    containers[3].exit_code = 0;  // a job that is done
    containers[4].state = ContainerState::kExited;
    containers[4].exit_code = 137;
    containers.push_back(of("frontend", "", 2));
    containers.back().state = ContainerState::kCreated;
    const auto health = service_health(containers);
    CHECK(health == std::map<std::string, bool>{{"shop/frontend", true},
                                                {"shop/backend", true},
                                                {"shop/db", false},
                                                {"shop/mail", false}});
    CHECK(count_health(health, {}).fraction() == Approx(0.5));
    CHECK(count_health(health, {"shop/db"}).total == 3);
    CHECK(count_health({}, {}).fraction() == 1);
}

TEST_CASE("Whom no experiment touches") {
    auto containers = shop();
    Policy policy;
    CHECK_FALSE(why_spared(policy, containers[2], true));
    policy.safety.protected_services = {"db"};
    CHECK(why_spared(policy, containers[2], false) == "safety.protected_services (db)");
    policy.safety.protected_services = {"d*-1"};
    CHECK(why_spared(policy, containers[2], false) == "safety.protected_services (d*-1)");
    containers[4].labels[std::string{kProtectedLabel}] = "true";
    CHECK(why_spared(policy, containers[4], false));
    containers[4].labels[std::string{kProtectedLabel}] = "True";
    CHECK(why_spared(policy, containers[4], false) == "label chaos.sutazai.com/protected=True");
    containers[4].labels[std::string{kProtectedLabel}] = "false";
    CHECK_FALSE(why_spared(policy, containers[4], false));
    policy.own_container = containers[3].id;
    CHECK(why_spared(policy, containers[3], false) == "it is the controller itself");
    containers[0].image = "moby/buildkit:buildx-stable-1";
    CHECK(why_spared(policy, containers[0], false) == "it is a helper of the engine");
    policy.safety.require_opt_in = true;
    CHECK_THAT(*why_spared(policy, containers[1], false), Catch::Contains("require_opt_in"));
    containers[1].labels[std::string{kEnabledLabel}] = "true";
    CHECK_FALSE(why_spared(policy, containers[1], false));
}

TEST_CASE("Critical services are spared in safe mode, and so is their only provider") {
    auto containers = shop();
    Policy policy;
    policy.safety.critical_services = {"backend"};
    policy.graph = Graph{containers, {}};
    auto spec = all_of("*");
    CHECK(picks(spec, containers, policy) == std::vector<std::string>{"frontend-1", "mail-1"});
    spec.safety.safe_mode = false;
    CHECK(picks(spec, containers, policy).size() == 5);
    // With a second container of a provider one of the two may be hit, and never both.
    spec.safety.safe_mode = true;
    containers.push_back(of("cache", "", 2));
    policy.graph = Graph{containers, {}};
    const auto some = picks(all_of("cache"), containers, policy);
    CHECK(some.size() == 1);
    // The one that was hit stays chosen, though the other is the only one left now.
    containers[3].state = ContainerState::kExited;
    policy.graph = Graph{containers, {}};
    const std::vector<run::Chosen> chosen{{"cache-1", "cache", "shop"}};
    const auto still = run::select(all_of("cache"), 1, containers, chosen, policy);
    REQUIRE(still.picks.size() == 1);
    CHECK(still.picks[0].name == "cache-1");
}

TEST_CASE("Of a critical service's provider one that serves is left, whoever hits the others") {
    auto containers = shop();
    containers.push_back(of("cache", "", 2));
    Policy policy;
    policy.safety.critical_services = {"backend"};
    policy.graph = Graph{containers, {}};
    REQUIRE(picks(all_of("cache"), containers, policy).size() == 1);
    SECTION("another experiment") {
        policy.held = {"cache-1"};
        CHECK(picks(all_of("cache"), containers, policy) == std::vector<std::string>{"cache-1"});
    }
    SECTION("an illness") {
        containers.back().health = Health::kUnhealthy;
        CHECK(picks(all_of("cache"), containers, policy) == std::vector<std::string>{"cache-2"});
    }
    SECTION("a freeze") {
        containers.back().state = ContainerState::kPaused;
        CHECK(picks(all_of("cache"), containers, policy) == std::vector<std::string>{"cache-2"});
    }
    // Not for ever: it is waited for.
    policy.held = {"cache-1", "cache-2"};
    const auto none = run::select(all_of("cache"), 1, containers, {}, policy);
    CHECK(none.picks.empty());
    CHECK_THAT(none.later, Catch::Contains("only provider of critical service"));
}

TEST_CASE("In safe mode no two services on one path are hit at once") {
    const auto containers = shop();
    Policy policy;
    policy.graph = Graph{containers, {}};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto names = picks(all_of("*"), containers, policy, seed);
        for (const auto& a : names) {
            for (const auto& b : names) {
                const auto key = [](const std::string& n) {
                    return "shop/" + n.substr(0, n.size() - 2);
                };
                if (a != b) CHECK_FALSE(policy.graph.on_one_path(key(a), key(b)));
            }
        }
    }
    policy.busy = {"shop/db"};
    CHECK(picks(all_of("frontend"), containers, policy).empty());
    CHECK(picks(all_of("mail"), containers, policy).size() == 1);
    auto spec = all_of("frontend");
    spec.safety.safe_mode = false;
    CHECK(picks(spec, containers, policy).size() == 1);
}

}  // namespace chaos::safety
