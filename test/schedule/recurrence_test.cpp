#include "controller/schedule/recurrence.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>

#include "controller/schedule/windows.h"

namespace chaos::schedule {
namespace {

using namespace std::chrono_literals;

TimePoint at(const char* text) { return parse_time(text).value(); }

std::string next_of(const char* schedule, const char* zone, const char* after) {
    const auto recurrence = parse(schedule);
    REQUIRE(recurrence);
    const auto time = next(*recurrence, zone, at(after), 1);
    return time ? format_time(*time) : "never";
}

std::vector<TimePoint> ours(const std::string& cron, const std::string& zone, TimePoint from,
                            std::size_t count) {
    const auto recurrence = parse(cron).value();
    std::vector<TimePoint> times;
    for (auto time = next(recurrence, zone, from, 0); time && times.size() < count;
         time = next(recurrence, zone, *time, 0)) {
        times.push_back(*time);
    }
    return times;
}

// The reference: systemd's own calendar. It prints seconds and UTC times.
std::vector<TimePoint> systemds(const std::string& calendar, TimePoint from, std::size_t count) {
    auto base = format_time(from);
    base = base.substr(0, 10) + " " + base.substr(11, 8) + " UTC";
    const auto command =
        "TZ=UTC LC_ALL=C systemd-analyze calendar --iterations=" + std::to_string(count) +
        " --base-time='" + base + "' '" + calendar + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
    std::vector<TimePoint> times;
    std::array<char, 256> line{};
    while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        const std::string text{line.data()};
        const bool elapse = text.find("Next elapse:") != std::string::npos ||
                            text.find("Iter. #") != std::string::npos;
        const auto utc = text.find(" UTC");
        if (!elapse || utc == std::string::npos) continue;
        const auto day = text.substr(utc - 19, 10);
        times.push_back(at((day + "T" + text.substr(utc - 8, 8) + "Z").c_str()));
    }
    return times;
}

struct Reference {
    const char* cron;
    const char* calendar;  // the same in systemd.time(7)
};

}  // namespace

TEST_CASE(
    "A cron line is due when systemd's calendar is, over years, leap days and clock changes") {
    const auto reference = GENERATE(
        Reference{"30 2 * * *", "*-*-* 02:30:00"}, Reference{"*/20 * * * *", "*-*-* *:00/20:00"},
        Reference{"0 3 * * 1-5", "Mon..Fri *-*-* 03:00:00"},
        Reference{"15 1 29 2 *", "*-02-29 01:15:00"}, Reference{"0 0 1 * *", "*-*-01 00:00:00"},
        Reference{"0 1-3 * mar,oct sun", "Sun *-03,10-* 01..03:00:00"},
        Reference{"59 23 31 12 *", "*-12-31 23:59:00"},
        Reference{"5/15 2 * 3,4,10,11 *", "*-03,04,10,11-* 02:05/15:00"});
    const auto* zone =
        GENERATE("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata");
    INFO(reference.cron << " " << zone);
    constexpr std::size_t kCount = 400;
    // Both of a year's clock changes of the hemisphere lie in it, and for rarer lines many years.
    const auto from = at("2026-03-01T00:00:00Z");
    auto expected = systemds(std::string{reference.calendar} + " " + zone, from, kCount);
    // The library knows the changes of the clock that the system's files list: those to 2037.
    std::erase_if(expected, [](TimePoint time) { return time >= at("2038-01-01T00:00:00Z"); });
    const auto found = ours(reference.cron, zone, from, expected.size());
    REQUIRE(expected.size() >= 3);
    const auto [ours_at, theirs_at] = std::ranges::mismatch(found, expected);
    const auto shown = [](auto it, auto end) { return it == end ? "none" : format_time(*it); };
    CHECK(shown(ours_at, found.end()) == shown(theirs_at, expected.end()));
}

TEST_CASE("Local times that are skipped are skipped, of repeated ones the first counts") {
    CHECK(next_of("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z") ==
          "2026-03-30T00:30:00.000Z");
    CHECK(next_of("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z") ==
          "2026-10-25T00:30:00.000Z");
    CHECK(next_of("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z") ==
          "2026-10-26T01:30:00.000Z");
    // February of a leap year after a century that was none: eight years.
    CHECK(next_of("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z") == "2104-02-29T00:00:00.000Z");
}

TEST_CASE("Either day suffices where both are restricted") {
    CHECK(next_of("0 0 13 * 5", "UTC", "2026-11-24T00:00:00Z") == "2026-11-27T00:00:00.000Z");
    CHECK(next_of("0 0 13 * *", "UTC", "2026-11-24T00:00:00Z") == "2026-12-13T00:00:00.000Z");
    CHECK(next_of("0 0 * * 7", "UTC", "2026-11-24T00:00:00Z") == "2026-11-29T00:00:00.000Z");
}

TEST_CASE("Macros and other words") {
    CHECK(next_of("@hourly", "UTC", "2026-11-24T08:30:00Z") == "2026-11-24T09:00:00.000Z");
    CHECK(next_of("@weekly", "UTC", "2026-11-24T08:30:00Z") == "2026-11-29T00:00:00.000Z");
    CHECK(next_of("daily 03:05", "Asia/Tokyo", "2026-11-24T08:30:00Z") ==
          "2026-11-24T18:05:00.000Z");
    CHECK(next_of("@every 90m", "UTC", "2026-11-24T08:30:00Z") == "2026-11-24T10:00:00.000Z");
}

TEST_CASE("What is no schedule says why") {
    const auto error = [](const char* text) { return parse(text).error().context; };
    CHECK_THAT(error("60 * * * *"), Catch::Contains("minute \"60\", expected *, or numbers"));
    CHECK_THAT(error("* * 0 * *"), Catch::Contains("day of the month \"0\""));
    CHECK_THAT(error("0 0 31 2 *"), Catch::Contains("which no day ever matches"));
    CHECK_THAT(error("* * * *"), Catch::Contains("five fields"));
    CHECK_THAT(error("5-1 * * * *"), Catch::Contains("minute \"5-1\""));
    CHECK_THAT(error("*/0 * * * *"), Catch::Contains("minute \"*/0\""));
    CHECK_THAT(error("@reboot"), Catch::Contains("expected @hourly"));
    CHECK_THAT(error("@every soon"), Catch::Contains("expected a duration of at least 1s"));
    CHECK_THAT(error("daily 24:00"), Catch::Contains("expected a time such as 03:00"));
    CHECK_THAT(error(""), Catch::Contains("five fields"));
    CHECK_THAT(error("-1 * * * *"), Catch::Contains("minute"));
}

TEST_CASE("A mean is met, and the same seed draws the same") {
    const Recurrence mean = Mean{8h};
    TimePoint time = at("2026-01-01T00:00:00Z");
    const auto begin = time;
    constexpr int kDraws = 4000;
    for (int i = 0; i < kDraws; ++i) time = *next(mean, "UTC", time, 7);
    const double average =
        std::chrono::duration<double, std::ratio<3600>>(time - begin).count() / kDraws;
    // The standard deviation of an average of exponential waits is mean / sqrt(n): three of them.
    CHECK(average == Approx(8).margin(3 * 8 / 63.2));
    CHECK(next(mean, "UTC", begin, 7) == next(mean, "UTC", begin, 7));
    CHECK(next(mean, "UTC", begin, 7) != next(mean, "UTC", begin, 8));
}

TEST_CASE("Missed runs collapse to one, at the same cost for a minute as for years") {
    const auto minutely = parse("* * * * *").value();
    const auto base = at("2020-01-01T00:00:00Z");
    const auto now = at("2026-11-24T08:00:30Z");
    const auto late = due(minutely, "UTC", base, std::nullopt, 0, now);
    CHECK(late.at);
    CHECK(late.next == at("2026-11-24T08:01:00Z"));
    CHECK_FALSE(due(minutely, "UTC", now, std::nullopt, 0, now).at);
    const auto daily = parse("0 0 * * *").value();
    CHECK(due(daily, "UTC", base, 9h, 0, now).at);  // eight hours late
    const auto missed = due(daily, "UTC", base, 8h, 0, now);
    CHECK_FALSE(missed.at);
    CHECK(missed.missed);
    CHECK(due(daily, "UTC", base, 8h + 30s, 0, now).at);
    const auto every = parse("@every 1h").value();
    CHECK(due(every, "UTC", now - 61min, std::nullopt, 0, now).at);
    CHECK(due(every, "UTC", now - 61min, 30s, 0, now).missed);
    CHECK_FALSE(due(every, "UTC", now - 59min, std::nullopt, 0, now).at);
}

TEST_CASE("A window is open from its start until just before its end, in its own zone") {
    Window window{.days = std::bitset<7>{"0000010"},  // Monday
                  .start = 2h,
                  .end = 4h,
                  .time_zone = "Europe/Berlin"};
    CHECK_FALSE(is_open(window, at("2026-11-23T00:59:59.999Z")));
    CHECK(is_open(window, at("2026-11-23T01:00:00Z")));
    CHECK(is_open(window, at("2026-11-23T02:59:59.999Z")));
    CHECK_FALSE(is_open(window, at("2026-11-23T03:00:00Z")));
    CHECK_FALSE(is_open(window, at("2026-11-24T01:30:00Z")));
    CHECK(next_opening({window}, at("2026-11-23T01:00:00Z")) == at("2026-11-30T01:00:00Z"));
    // In summer the same local time is an hour earlier.
    CHECK(is_open(window, at("2026-07-06T00:30:00Z")));
    CHECK_FALSE(is_open(window, at("2026-07-06T02:30:00Z")));
    window.start = 23h;
    window.end = 1h;
    CHECK(is_open(window, at("2026-11-23T22:30:00Z")));
    CHECK(is_open(window, at("2026-11-23T23:30:00Z")));  // Tuesday 00:30
    CHECK_FALSE(is_open(window, at("2026-11-24T22:30:00Z")));
    CHECK(next_opening({}, at("2026-11-23T22:30:00Z")) == std::nullopt);
}

TEST_CASE("A blackout lasts whole days of its zone") {
    const auto days = parse_blackout("2026-12-24/2026-12-26").value();
    CHECK_FALSE(covers(days, "UTC", at("2026-12-23T23:59:59Z")));
    CHECK(covers(days, "UTC", at("2026-12-24T00:00:00Z")));
    CHECK(covers(days, "UTC", at("2026-12-26T23:59:59Z")));
    CHECK_FALSE(covers(days, "UTC", at("2026-12-27T00:00:00Z")));
    CHECK(covers(days, "Europe/Berlin", at("2026-12-23T23:30:00Z")));
    for (const auto* text : {"2026-13-01", "2026-12-24/", "24.12.2026", "2026-12-26/2026-12-24",
                             "2026-02-30", "2026-12-24x"}) {
        INFO(text);
        CHECK_FALSE(parse_blackout(text));
    }
}

}  // namespace chaos::schedule
