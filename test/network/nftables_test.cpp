// Rulesets in a real kernel: which packets are hit, which are not, and that they end by themselves.
#include "reconcilers/network/nftables.h"

#include <cmath>

#include "reconcilers/network/ruleset.h"
#include "test/network/pair.h"
#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::network;
using namespace chaos::test;

namespace {

void put(const Pair& pair, const std::vector<Rule>& rules) {
    const auto text = ruleset(rules);
    REQUIRE(text);
    Result<> done;
    pair.in_a([&] {
        auto nftables = Nftables::open();
        done = nftables ? nftables->run(*text) : std::unexpected(nftables.error());
    });
    INFO(*text << (done ? "" : done.error().context));
    REQUIRE(done);
}

Rule partition(std::vector<std::string> from, Duration lasts = 1min) {
    Rule rule{.interfaces = {"eth0"},
              .outgoing = true,
              .incoming = true,
              .effect = Drop{},
              .lasts = lasts};
    if (!from.empty()) rule.to = {Match{.addresses = std::move(from)}};
    return rule;
}

bool reaches(const Pair& pair, const std::string& to) { return pair.ping(1, to).received == 1; }

}  // namespace

TEST_CASE("A partition cuts off the named, IPv4 and IPv6, and nobody else", "[network][lab]") {
    const Pair pair;
    const auto before = pair.a({"nft", "list", "ruleset"}).out;
    put(pair, {partition({"10.77.0.2", "fd77::2/128"})});
    CHECK_FALSE(reaches(pair, "10.77.0.2"));
    CHECK_FALSE(reaches(pair, "fd77::2"));
    CHECK(reaches(pair, "10.77.0.4"));
    CHECK(reaches(pair, "fd77::4"));
    put(pair, {});
    CHECK(reaches(pair, "10.77.0.2"));
    CHECK(pair.a({"nft", "list", "ruleset"}).out == before);
}

TEST_CASE("What lasts as long as its set's elements ends without anybody acting", "[network]") {
    const Pair pair;
    put(pair, {partition({}, 2s)});
    CHECK_FALSE(reaches(pair, "10.77.0.2"));
    CHECK(until([&] { return reaches(pair, "10.77.0.2"); }, 10s));
    // Prolonged before its end, it goes on.
    put(pair, {partition({}, 1500ms)});
    put(pair, {partition({}, 1min)});
    CHECK_FALSE(until([&] { return reaches(pair, "10.77.0.2"); }, 3s));
}

TEST_CASE("Except, ports and protocols select as they are meant to", "[network]") {
    const Pair pair;
    auto rule = partition({});
    rule.except = Match{.addresses = {{"10.77.0.2"}}};
    put(pair, {rule});
    CHECK(reaches(pair, "10.77.0.2"));
    CHECK_FALSE(reaches(pair, "10.77.0.4"));
    // Ports are of TCP and UDP: pings pass.
    rule = partition({"10.77.0.2"});
    rule.to.front().ports = {{8000, 8010}};
    put(pair, {rule});
    CHECK(reaches(pair, "10.77.0.2"));
    rule.to = {Match{.addresses = {{"10.77.0.0/24"}}, .protocols = {Protocol::kTcp}}};
    put(pair, {rule});
    CHECK(reaches(pair, "10.77.0.2"));
    rule.to.front().protocols = {Protocol::kIcmp};
    put(pair, {rule});
    CHECK_FALSE(reaches(pair, "10.77.0.2"));
}

TEST_CASE("A share of the packets is lost, within three deviations", "[network]") {
    const Pair pair;
    Rule rule{.interfaces = {"eth0"}, .effect = DropShare{20}, .lasts = 1min};
    put(pair, {rule});
    constexpr int kPackets = 2000;
    const double deviation = std::sqrt(kPackets * 0.2 * 0.8);
    CHECK(measured([&] {
        const auto received = pair.ping(kPackets, "10.77.0.2", "0.001").received;
        return std::abs(received - kPackets * 0.8) < 3 * deviation;
    }));
}

TEST_CASE("One rule ends without disturbing another, and foreign tables stay", "[network]") {
    const Pair pair;
    (void)pair.a({"nft", "add", "table", "inet", "theirs"});
    auto first = partition({"10.77.0.2"});
    auto second = partition({"10.77.0.4"});
    second.slot = 2;
    put(pair, {first, second});
    CHECK_FALSE(reaches(pair, "10.77.0.2"));
    CHECK_FALSE(reaches(pair, "10.77.0.4"));
    put(pair, {second});
    CHECK(reaches(pair, "10.77.0.2"));
    CHECK_FALSE(reaches(pair, "10.77.0.4"));
    put(pair, {});
    CHECK_THAT(pair.a({"nft", "list", "tables"}).out,
               Catch::Contains("inet theirs") && !Catch::Contains(kTable));
}

TEST_CASE("A steered packet goes into its class", "[network]") {
    const Pair pair;
    (void)pair.tc({"qdisc", "add", "dev", "eth0", "root", "handle", "c4a0:", "htb"});
    (void)pair.tc({"class", "add", "dev", "eth0", "parent", "c4a0:", "classid", "c4a0:2", "htb",
                   "rate", "100mbit"});
    Rule rule{.interfaces = {"eth0"}, .effect = Steer{0xc4a00002, {}}, .lasts = 1min};
    rule.to = {Match{.addresses = {{"10.77.0.2"}}}};
    put(pair, {rule});
    CHECK(pair.ping(5).received == 5);
    CHECK(pair.ping(7, "10.77.0.4").received == 7);
    CHECK_THAT(pair.tc({"-s", "class", "show", "dev", "eth0"}), Catch::Contains(" 5 pkt"));
}
