// Simulated months of the chaos monkey, by the functions that the controller decides by.
#include <map>

#include "controller/config/decode.h"
#include "controller/config/monkey.h"
#include "controller/manifest/decode.h"
#include "controller/run/random.h"
#include "controller/run/selection.h"
#include "controller/run/timeline.h"
#include "controller/safety/gates.h"
#include "controller/schedule/recurrence.h"
#include "controller/schedule/windows.h"
#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::test;

namespace {

const char* const kConfig = R"(
safety:
  protected_services: [vault]
  critical_services: [db]
  maintenance_windows:
    - {days: [Tue, Thu], start: "23:00", end: "05:00", time_zone: Europe/Berlin}
dependencies: {db: [disk]}
chaos_monkey:
  seed: 11
  min_spacing: 3h
  schedules:
    - name: kill
      experiment_type: container_kill
      schedule_pattern: mean 20m
      target_services: [web=3, api=1, mail=2, vault=9, db=9, disk=9]
      probability: 0.5
)";

struct Hit {
    TimePoint at;
    std::string service;
};

struct Months {
    std::vector<Hit> hits;
    std::vector<TimePoint> due;
    int drawn = 0;
    int chosen_runs = 0;
};

std::vector<Container> population() {
    std::vector<Container> all;
    for (const auto* name : {"web", "api", "mail", "vault", "db", "disk"}) {
        all.push_back(container(name));
    }
    return all;
}

Months simulate(MonkeyMode mode, Duration spacing, Duration length) {
    const auto config = config::decode(kConfig).config.value();
    const auto containers = population();
    const auto text = config::manifest_of(config.monkey.schedules.at(0), mode);
    const auto experiment = manifest::decode(text).at(0).experiment.value();
    safety::Policy policy{
        config.safety, safety::Graph{containers, config.dependencies}, {}, {}, {}};
    const safety::Readings quiet{.host = safety::HostUsage{1, 1},
                                 .host_error = {},
                                 .incidents = std::vector<std::string>{},
                                 .incidents_error = {},
                                 .health = safety::HealthCount{}};
    Months months;
    TimePoint now = kT0;
    std::map<std::string, TimePoint> last;
    while (now < kT0 + length) {
        now = *schedule::next(*experiment.spec.recurrence, experiment.spec.time_zone, now, 5);
        months.due.push_back(now);
        const safety::Question question{.safe_mode = experiment.spec.safety.safe_mode &&
                                                     mode != MonkeyMode::kProduction};
        if (!safety::closed_gates(config, {}, quiet, question, now).empty()) continue;
        policy.rested.clear();
        for (const auto& [service, hit] : last) {
            if (hit > now - spacing) policy.rested.insert(service);
        }
        const auto seed = run::draw_bits(static_cast<std::uint64_t>(*config.monkey.seed),
                                         experiment.metadata.name, format_time(now));
        const auto selection = run::select(experiment.spec, seed, containers, {}, policy);
        REQUIRE(selection.picks.size() <= 1);
        if (selection.picks.empty()) continue;
        ++months.chosen_runs;
        const auto timeline = run::timeline(experiment.spec, seed, selection.picks);
        if (timeline.intervals.empty()) continue;
        ++months.drawn;
        last[selection.picks[0].service] = now;
        months.hits.push_back({now, selection.picks[0].service});
    }
    return months;
}

}  // namespace

TEST_CASE("Months in mode safe: nobody protected, critical or needed by those is ever hit") {
    const auto months = simulate(MonkeyMode::kSafe, 3h, 24h * 180);
    REQUIRE(months.hits.size() > 500);
    std::map<std::string, TimePoint> last;
    for (const auto& hit : months.hits) {
        CHECK((hit.service == "web" || hit.service == "api" || hit.service == "mail"));
        if (last.contains(hit.service)) CHECK(hit.at - last[hit.service] >= 3h);
        last[hit.service] = hit.at;
    }
}

TEST_CASE("Months in mode production: never outside a window, whatever the clock does") {
    const auto months = simulate(MonkeyMode::kProduction, 0s, 24h * 365);
    REQUIRE(months.hits.size() > 500);
    for (const auto& hit : months.hits) {
        // By hand: Berlin is an hour ahead of UTC, two between the last Sundays of March and
        // October.
        const bool summer = hit.at >= parse_time("2027-03-28T01:00:00Z") &&
                            hit.at < parse_time("2027-10-31T01:00:00Z");
        const auto local = hit.at + (summer ? 2h : 1h);
        const auto day = std::chrono::floor<std::chrono::days>(local);
        const auto weekday = std::chrono::weekday{day}.c_encoding();
        const auto time = local - day;
        const bool evening = (weekday == 2 || weekday == 4) && time >= 23h;
        const bool morning = (weekday == 3 || weekday == 5) && time < 5h;
        INFO(format_time(hit.at));
        CHECK((evening || morning));
    }
}

TEST_CASE("The monkey's choices are distributed as their weights say") {
    const auto months = simulate(MonkeyMode::kSafe, 0s, 24h * 180);
    std::map<std::string, double> counts;
    for (const auto& hit : months.hits) ++counts[hit.service];
    const auto total = static_cast<double>(months.hits.size());
    double chi_square = 0;
    const std::map<std::string, double> weights{{"web", 3.0}, {"api", 1.0}, {"mail", 2.0}};
    for (const auto& [service, weight] : weights) {
        const double expected = total * weight / 6;
        chi_square += (counts[service] - expected) * (counts[service] - expected) / expected;
    }
    // Two degrees of freedom: above 13.8 with probability 0.001.
    CHECK(chi_square < 13.8);
    // The scenario's probability is met within three standard deviations.
    const double runs = months.chosen_runs;
    CHECK(months.drawn == Approx(runs / 2).margin(3 * std::sqrt(runs) / 2));
    // And so is the mean time between two that are due.
    const double minutes =
        std::chrono::duration<double, std::ratio<60>>(months.due.back() - months.due.front())
            .count();
    const auto gaps = static_cast<double>(months.due.size() - 1);
    CHECK(minutes / gaps == Approx(20).margin(3 * 20 / std::sqrt(gaps)));
}
