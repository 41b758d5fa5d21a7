#include "controller/run/timeline.h"

#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::run;
using namespace chaos::test;

namespace {

const std::vector<Pick> kWeb{{"web-1", "web", "id", {"web"}}};

std::vector<std::string> lines(const Timeline& timeline) {
    std::vector<std::string> result;
    for (const auto& i : timeline.intervals) {
        result.push_back(i.id + " " + format_duration(i.begin) + ".." + format_duration(i.end));
    }
    return result;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("Actions follow one another") {
    auto second = action(ContainerPause{}, 30s);
    second.start_after = 10s;
    const auto t =
        timeline(spec({service("web")}, {action(ContainerPause{}, 1min), second}), 1, kWeb);
    CHECK(lines(t) ==
          Lines{"s/0:container_pause@web-1 0s..1m", "s/1:container_pause@web-1 1m10s..1m40s"});
    CHECK(t.length == 100s);
}

TEST_CASE("Parallel actions begin together, and the next scenario after the longest") {
    auto s = spec({service("web")}, {action(ContainerPause{}, 1min), action(ContainerKill{})});
    s.scenarios[0].order = Order::kParallel;
    s.scenarios.push_back({.name = "t", .actions = {action(ContainerPause{}, 5s)}});
    CHECK(lines(timeline(s, 1, kWeb)) == Lines{"s/0:container_pause@web-1 0s..1m",
                                               "s/1:container_kill/0@web-1 0s..10m",
                                               "t/0:container_pause@web-1 1m..1m5s"});
}

TEST_CASE("A repeated kill gives way to its next repetition") {
    auto kill = action(ContainerKill{});
    kill.repeat = Repeat{3, 1min};
    CHECK(lines(timeline(spec({service("web")}, {kill}), 1, kWeb)) ==
          Lines{"s/0:container_kill/0@web-1 0s..1m", "s/0:container_kill/1@web-1 1m..2m",
                "s/0:container_kill/2@web-1 2m..10m"});
}

TEST_CASE("Nothing reaches beyond the experiment, which begins with its first fault") {
    auto first = action(ContainerRestart{});
    auto late = action(ContainerPause{}, 1h);
    late.start_after = 9min;
    auto later = action(ContainerKill{});
    auto t = timeline(spec({service("web")}, {first, late, later}), 1, kWeb);
    CHECK(lines(t) ==
          Lines{"s/0:container_restart/0@web-1 0s..10m", "s/1:container_pause@web-1 9m..10m"});
    t = timeline(spec({service("web")}, {late, later}), 1, kWeb);
    CHECK(lines(t) == Lines{"s/0:container_pause@web-1 9m..19m"});
    late.start_after = 1h;  // longer than the experiment itself
    t = timeline(spec({service("web")}, {late}), 1, kWeb);
    CHECK(lines(t) == Lines{"s/0:container_pause@web-1 1h..1h10m"});
}

TEST_CASE("An action without a duration lasts until the end") {
    CHECK(lines(timeline(spec({service("web")}, {action(ContainerPause{})}), 1, kWeb)) ==
          Lines{"s/0:container_pause@web-1 0s..10m"});
}

TEST_CASE("An action may be for some of the targets only") {
    auto kill = action(ContainerKill{});
    kill.targets = {"db"};
    const std::vector<Pick> picks{{"web-1", "web", "id", {"web"}}, {"db-1", "db", "id", {"db"}}};
    CHECK(lines(timeline(spec({service("web"), service("db")}, {kill}), 1, picks)) ==
          Lines{"s/0:container_kill/0@db-1 0s..10m"});
}

TEST_CASE("A scenario happens as often as its probability says") {
    auto s = spec({service("web")}, {action(ContainerKill{})});
    s.scenarios[0].probability = 0.3;
    int drawn = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        if (timeline(s, seed, kWeb).scenarios[0].drawn) ++drawn;
    }
    CHECK(drawn / 4000.0 == Approx(0.3).margin(0.037));  // five standard deviations
    s.scenarios[0].probability = 0;
    CHECK_FALSE(timeline(s, 1, kWeb).scenarios[0].drawn);
    s.scenarios[0].probability = 1;
    CHECK(timeline(s, 1, kWeb).scenarios[0].drawn);
}

TEST_CASE("The same seed gives the same timeline") {
    auto s = spec({service("web")}, {action(ContainerKill{})});
    for (int i = 0; i < 8; ++i) {
        s.scenarios.push_back({.name = "x" + std::to_string(i),
                               .probability = 0.5,
                               .actions = {action(ContainerPause{}, 1s)}});
    }
    CHECK(timeline(s, 5, kWeb) == timeline(s, 5, kWeb));
    CHECK_FALSE(timeline(s, 5, kWeb) == timeline(s, 6, kWeb));
}
