// Rulesets as text.
#include "reconcilers/network/ruleset.h"

#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::network;
using namespace std::chrono_literals;

TEST_CASE("Without rules the table is gone") {
    CHECK(ruleset({}).value() == "table inet chaos_sutazai { }\ndelete table inet chaos_sutazai\n");
}

TEST_CASE("Nothing of a user's gets into the syntax") {
    const auto with_address = [](const std::string& address) {
        return ruleset(
            {{.interfaces = {"eth0"}, .to = {Match{.addresses = {{address}}}}, .lasts = 1s}});
    };
    CHECK(with_address("10.0.0.0/8"));
    CHECK(with_address("fd00::/8"));
    for (const auto* bad : {"", "10.0.0.1; flush ruleset", "10.0.0.0/33", "fd00::/129", "10.0.0.0/",
                            "10.0.0", "example.org", "10.0.0.0/8/8", "10.0.0.1 }"}) {
        const auto refused = with_address(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::kInvalid);
    }
    for (const auto* bad : {"", "a name", "eth0\"", "averyveryverylongname", "e{"}) {
        CHECK_FALSE(ruleset({{.interfaces = {bad}, .lasts = 1s}}));
    }
}

TEST_CASE("A rule lasts as long as it is to, to the millisecond, never less") {
    const auto text = ruleset({{.interfaces = {"eth0"}, .lasts = 1500ms + 1ns}}).value();
    CHECK_THAT(text, Catch::Contains("elements = { \"eth0\" timeout 1s501ms }"));
}

TEST_CASE("Lists of a match are all to hold; ports are of those protocols that have them") {
    Match match{.addresses = {{"10.0.0.1", "fd00::1"}},
                .ports = {{443, 443}, {8000, 8010}},
                .protocols = {Protocol::kTcp, Protocol::kIcmp}};
    const auto text =
        ruleset({{.interfaces = {"eth0"}, .to = {match}, .effect = DropShare{12.5}, .lasts = 1s}})
            .value();
    CHECK_THAT(text, Catch::Contains("ip daddr { 10.0.0.1 } meta l4proto { tcp } th dport { 443, "
                                     "8000-8010 } goto hit1"));
    CHECK_THAT(text, Catch::Contains("numgen random mod 1000000 < 125000 counter name d1 drop"));
    CHECK_THAT(text, Catch::Contains("ip6 daddr { fd00::1 } meta l4proto { tcp } th sport"));
    match.protocols = {Protocol::kIcmp};
    CHECK_THAT(ruleset({{.interfaces = {"eth0"}, .to = {match}, .lasts = 1s}}).value(),
               !Catch::Contains("daddr"));
}
