#include "controller/run/selection.h"

#include <algorithm>
#include <random>
#include <set>

#include "controller/api/glob.h"
#include "controller/run/match.h"
#include "controller/run/random.h"
#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

std::vector<std::string> names(const Selection& selection) {
    std::vector<std::string> result;
    for (const auto& pick : selection.picks) result.push_back(pick.name);
    return result;
}

Spec of(std::vector<Target> targets, std::int64_t cap = 100) {
    auto s = spec(std::move(targets), {action(ContainerKill{})});
    s.safety.max_affected_services = cap;
    return s;
}

// n services of one container each: web-0, web-1, …
std::vector<Container> fleet(int n) {
    std::vector<Container> all;
    for (int i = 0; i < n; ++i) all.push_back(container("web-" + std::to_string(i)));
    return all;
}

Target mode(Mode m, std::optional<std::int64_t> value = std::nullopt) {
    auto target = service("web-*");
    target.mode = m;
    target.value = value;
    return target;
}

}  // namespace

TEST_CASE("Globs match whole names") {
    const auto [pattern, text, expected] = GENERATE(table<std::string, std::string, bool>({
        {"web", "web", true},
        {"web", "web-1", false},
        {"web*", "web-1", true},
        {"*", "", true},
        {"*-1", "web-1", true},
        {"w?b", "web", true},
        {"w?b", "wb", false},
        {"*a*b*c", "xxaxxbxxc", true},
        {"*a*b*c", "xxaxxbxx", false},
        {"", "x", false},
        {"[w]eb", "web", false},
    }));
    INFO(pattern << " on " << text);
    CHECK(glob_match(pattern, text) == expected);
}

TEST_CASE("A target is its Compose service or its container name") {
    const auto c = container("shop-web-1", "web");
    CHECK(matches(service("web"), c));
    CHECK(matches(service("shop-web-1"), c));
    CHECK(matches(service("shop-*"), c));
    CHECK_FALSE(matches(service("shop"), c));
}

TEST_CASE("Selector conditions are all to hold, list entries any") {
    auto c = container("web-1");
    c.labels = {{"tier", "front"}, {"zone", "a"}};
    c.networks = {"net"};
    c.image = "redis:7";
    const std::vector<std::pair<Selector, bool>> cases{
        {Selector{.labels = {{"tier", "front"}}}, true},
        {Selector{.labels = {{"tier", "front"}, {"zone", "b"}}}, false},
        {Selector{.names = {"x", "web-*"}}, true},
        {Selector{.names = {"web-1"}, .image = "nginx:*"}, false},
        {Selector{.image = "redis:*"}, true},
        {Selector{.name_regex = "eb-[0-9]$"}, true},
        {Selector{.name_regex = "^eb"}, false},
        {Selector{.networks = {"other", "net"}}, true},
        {Selector{.label_expressions = {{"zone", LabelExpression::Operator::kIn, {"a", "b"}}}},
         true},
        {Selector{.label_expressions = {{"zone", LabelExpression::Operator::kNotIn, {"a"}}}},
         false},
        {Selector{.label_expressions = {{"nope", LabelExpression::Operator::kNotIn, {"a"}}}}, true},
        {Selector{.label_expressions = {{"nope", LabelExpression::Operator::kDoesNotExist, {}}}},
         true},
        {Selector{}, false},
    };
    for (const auto& [selector, expected] : cases) {
        CHECK(matches(selector, c) == expected);
    }
}

TEST_CASE("Any one condition of exclude leaves a container out") {
    auto target = service("web-*");
    target.exclude = Selector{.names = {"web-7"}, .labels = {{"keep", "1"}}};
    auto kept = container("web-1");
    CHECK(matches(target, kept));
    kept.labels["keep"] = "1";
    CHECK_FALSE(matches(target, kept));
    CHECK_FALSE(matches(target, container("web-7")));
}

TEST_CASE("Modes decide how many") {
    const auto [target, expected] = GENERATE(table<Target, std::size_t>({
        {mode(Mode::kOne), 1},
        {mode(Mode::kAll), 10},
        {mode(Mode::kFixed, 3), 3},
        {mode(Mode::kFixed, 99), 10},
        {mode(Mode::kFixedPercent, 25), 2},
        {mode(Mode::kFixedPercent, 9), 0},
        {mode(Mode::kFixedPercent, 100), 10},
    }));
    CHECK(select(of({target}), 1, fleet(10), {}).picks.size() == expected);
}

TEST_CASE("At least one is hit only where the manifest says so") {
    auto s = of({mode(Mode::kFixedPercent, 9)});
    CHECK(select(s, 1, fleet(10), {}).picks.empty());
    s.safety.at_least_one = true;
    CHECK(select(s, 1, fleet(10), {}).picks.size() == 1);
}

TEST_CASE("A random percentage stays within its limit and reaches both ends") {
    std::size_t least = 99;
    std::size_t most = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto n =
            select(of({mode(Mode::kRandomMaxPercent, 50)}), seed, fleet(10), {}).picks.size();
        least = std::min(least, n);
        most = std::max(most, n);
    }
    CHECK(least == 0);
    CHECK(most == 5);
}

TEST_CASE("The same seed chooses the same, whatever the order of the population") {
    auto population = fleet(20);
    const auto s = of({mode(Mode::kFixed, 4)});
    const auto chosen = names(select(s, 7, population, {}));
    std::ranges::reverse(population);
    CHECK(names(select(s, 7, population, {})) == chosen);
    CHECK(names(select(s, 8, population, {})) != chosen);
}

TEST_CASE("Safe mode hits one service unless the manifest says more") {
    auto s = of({mode(Mode::kAll)});
    s.safety.max_affected_services.reset();
    CHECK(select(s, 1, fleet(10), {}).picks.size() == 1);
    s.safety.max_affected_percent = 35;
    CHECK(select(s, 1, fleet(10), {}).picks.size() == 3);
    s.safety.max_affected_services = 2;
    CHECK(select(s, 1, fleet(10), {}).picks.size() == 2);
}

TEST_CASE("The cap counts services, not containers") {
    std::vector<Container> population;
    for (int i = 0; i < 3; ++i) population.push_back(container("a-" + std::to_string(i), "a"));
    for (int i = 0; i < 3; ++i) population.push_back(container("b-" + std::to_string(i), "b"));
    auto a = service("a");
    auto b = service("b");
    a.mode = b.mode = Mode::kAll;
    const auto selection = select(of({a, b}, 1), 3, population, {});
    REQUIRE(selection.picks.size() == 3);
    CHECK(selection.picks[0].service == selection.picks[2].service);
    CHECK(selection.matched_services == 2);
}

TEST_CASE("Services of one name in two Compose projects are two services") {
    auto a = container("a-web-1", "web");
    auto b = container("b-web-1", "web");
    a.labels[std::string{kComposeProjectLabel}] = "a";
    b.labels[std::string{kComposeProjectLabel}] = "b";
    auto s = spec({service("web")}, {action(ContainerKill{})});
    s.targets[0].mode = Mode::kAll;
    auto selection = select(s, 1, {a, b}, {});
    CHECK(selection.matched_services == 2);
    REQUIRE(selection.picks.size() == 1);
    const auto& hit = selection.picks[0];
    CHECK(select(s, 1, {a, b}, {{hit.name, hit.service, hit.project}}).picks == selection.picks);
}

TEST_CASE("Entries that overlap keep their own choice") {
    auto s = spec({service("web-1"), service("*")}, {action(ContainerKill{})});
    s.safety.max_affected_services = 9;
    const std::vector population{container("web-1"), container("web-2"), container("zeta")};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto first = select(s, seed, population, {});
        std::vector<Chosen> chosen;
        for (const auto& pick : first.picks) chosen.push_back({pick.name, pick.service, ""});
        CHECK(select(s, seed, population, chosen).picks == first.picks);
    }
}

TEST_CASE("Weights decide how often a service is preferred") {
    const auto population = std::vector{container("a"), container("b")};
    int a = 0;
    constexpr int kRounds = 4000;
    for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
        const auto chosen =
            names(select(of({service("a", 3), service("b", 1)}, 1), seed, population, {}));
        REQUIRE(chosen.size() == 1);
        if (chosen[0] == "a") ++a;
    }
    // Expected 0.75; five standard deviations of the binomial are 0.034.
    CHECK(static_cast<double>(a) / kRounds == Approx(0.75).margin(0.034));
}

TEST_CASE("Weight 0 switches an entry off") {
    CHECK(select(of({service("web-1", 0)}), 1, fleet(3), {}).picks.empty());
}

TEST_CASE("Protected containers and those that do not run are never chosen") {
    auto population = fleet(3);
    population[0].labels[std::string{kProtectedLabel}] = "true";
    population[1].state = ContainerState::kExited;
    const auto selection = select(of({mode(Mode::kAll)}), 1, population, {});
    CHECK(names(selection) == std::vector<std::string>{"web-2"});
    REQUIRE(selection.spared.size() == 1);
    CHECK(selection.spared[0].name == "web-0");
}

TEST_CASE("Who was chosen stays chosen, even while it is down") {
    auto population = fleet(10);
    const auto s = of({mode(Mode::kFixed, 2)});
    population[4].state = ContainerState::kRestarting;
    const auto selection = select(s, 1, population, {{"web-4", "web-4"}, {"web-5", "web-5"}});
    CHECK(names(selection) == std::vector<std::string>{"web-4", "web-5"});
}

TEST_CASE("Newcomers join within the cap, and services hit earlier count for good") {
    auto s = of({mode(Mode::kAll)}, 2);
    // web-8 was hit and is gone; only one more service may ever be hit.
    const auto selection = select(s, 1, fleet(3), {{"web-8", "web-8"}});
    CHECK(selection.picks.size() == 1);
    s.targeting = Targeting::kStatic;
    CHECK(select(s, 1, fleet(3), {{"web-8", "web-8"}}).picks.empty());
}

TEST_CASE("No population makes a selection exceed its caps") {
    std::mt19937 random{1};
    for (int round = 0; round < 500; ++round) {
        std::vector<Container> population;
        const auto n = random() % 30;
        for (std::size_t i = 0; i < n; ++i) {
            auto c = container("web-" + std::to_string(i), "s" + std::to_string(random() % 6));
            if (random() % 4 == 0) c.state = ContainerState::kExited;
            if (random() % 5 == 0) c.labels[std::string{kProtectedLabel}] = "true";
            population.push_back(std::move(c));
        }
        const auto cap = static_cast<std::int64_t>(1 + random() % 4);
        const auto selection = select(of({mode(Mode::kAll)}, cap), random(), population, {});
        std::set<std::string> services;
        for (const auto& pick : selection.picks) {
            services.insert(pick.service);
            const auto it = std::ranges::find(population, pick.name, &Container::name);
            CHECK(it->state == ContainerState::kRunning);
            CHECK_FALSE(safety::why_spared({}, *it, true));
        }
        CHECK(services.size() <= static_cast<std::size_t>(cap));
    }
}

TEST_CASE("Draws are uniform and independent of each other") {
    double sum = 0;
    constexpr int kDraws = 20000;
    for (std::uint64_t i = 0; i < kDraws; ++i) sum += draw_unit(i, "p", "s");
    CHECK(sum / kDraws == Approx(0.5).margin(0.01));
    CHECK(draw_bits(1, "ab", "c") != draw_bits(1, "a", "bc"));
    CHECK(derive_seed("n", "d", "1", "h") != derive_seed("n", "d", "2", "h"));
    CHECK(derive_seed("n", "d", "1", "h") == derive_seed("n", "d", "1", "h"));
}
