#include "controller/api/time.h"

#include "test/support/catch.h"

using namespace chaos;
using namespace std::chrono_literals;

TEST_CASE("A duration is read as Go reads it") {
    const auto [text, expected] = GENERATE(table<std::string, Duration>({
        {"0", 0s},
        {"0s", 0s},
        {"500ms", 500ms},
        {"90s", 90s},
        {"15m", 15min},
        {"1h30m", 90min},
        {"1.5s", 1500ms},
        {"1m0.25s", 60s + 250ms},
        {"1us", 1us},
        {"7ns", 7ns},
    }));
    INFO(text);
    CHECK(parse_duration(text) == expected);
}

TEST_CASE("What is no duration is refused") {
    const auto text = GENERATE(values<std::string>(
        {"", "15", "15 minutes", "15 m", "-5s", "+5s", "m", "1.s", ".5s", "5d", "1h-2m", "1e3s",
         "99999999999h", "9223372036854775807s", "5m ", " 5m", "5M"}));
    INFO(text);
    CHECK_FALSE(parse_duration(text).has_value());
}

TEST_CASE("A formatted duration reads back as itself") {
    const auto value = GENERATE(values<Duration>({0s, 1ns, 999ns, 1us, 1500us, 1ms, 250ms, 1s,
                                                  1500ms, 59s, 60s, 61s, 90min, 25h, 1h + 1ns}));
    CHECK(parse_duration(format_duration(value)) == value);
}

TEST_CASE("Durations for people are short") {
    CHECK(humanize_duration(1234567us) == "1.23s");
    CHECK(humanize_duration(45678us) == "46ms");
    CHECK(humanize_duration(1234us) == "1.2ms");
    CHECK(humanize_duration(200300ms) == "3m20s");
    CHECK(humanize_duration(0s) == "0s");
}

TEST_CASE("Times are RFC 3339") {
    const auto time = parse_time("2026-11-24T08:14:00.123456789Z");
    REQUIRE(time);
    CHECK(format_time(*time) == "2026-11-24T08:14:00.123Z");
    CHECK(time->time_since_epoch() % 1s == 123456789ns);
    CHECK(parse_time("2026-11-24T10:14:00.123456789+02:00") == time);
}

TEST_CASE("What is no time is refused, Docker's never included") {
    const auto text = GENERATE(values<std::string>(
        {"", "0001-01-01T00:00:00Z", "2026-11-24", "2026-13-24T00:00:00Z", "2026-02-30T00:00:00Z",
         "2026-11-24T25:00:00Z", "2026-11-24T00:00:00", "2026-11-24T00:00:00.Z",
         "2026-11-24T00:00:00+0200", "9999-01-01T00:00:00Z"}));
    INFO(text);
    CHECK_FALSE(parse_time(text).has_value());
}
