// The merge of a namespace's faults into one tree.
#include "reconcilers/network/merge.h"

#include <random>
#include <set>

#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::network;
using namespace std::chrono_literals;

namespace {

Ground ground(int interfaces = 1) {
    Ground ground;
    ground.interfaces.push_back({.index = 1, .name = "lo", .loopback = true, .up = true});
    for (int i = 0; i < interfaces; ++i) {
        ground.interfaces.push_back({.index = 2 + i,
                                     .name = "eth" + std::to_string(i),
                                     .up = true,
                                     .kind = "veth",
                                     .mtu = 1500});
    }
    return ground;
}

NetworkFault slow(Duration latency, Duration jitter = {}) {
    return {.action = NetworkAction::kLatency,
            .delay = Delay{.latency = latency, .jitter = jitter}};
}

NetworkFault narrow(std::uint64_t rate) {
    return {.action = NetworkAction::kBandwidth, .bandwidth = Bandwidth{.rate = rate}};
}

NetworkFault lossy(double percent) {
    return {.action = NetworkAction::kLoss, .loss = Share{percent, 0}};
}

Active active(int slot, NetworkFault fault) {
    return {.slot = slot, .fault = std::move(fault), .lasts = 1min};
}

Active to(int slot, NetworkFault fault, std::vector<std::string> addresses) {
    fault.to = Peers{.cidrs = addresses};
    auto result = active(slot, std::move(fault));
    result.peers.to = std::move(addresses);
    return result;
}

const Leaf& leaf(const Tree& tree, std::uint16_t number, std::size_t device = 0) {
    const auto& leaves = tree.devices.at(device).leaves;
    const auto it = std::ranges::find(leaves, number, &Leaf::number);
    REQUIRE(it != leaves.end());
    return *it;
}

}  // namespace

TEST_CASE("No fault, no tree") { CHECK(merge({}, ground()) == Tree{}); }

TEST_CASE("Faults for the same packets combine in a class of their own") {
    const auto tree = merge({active(1, slow(100ms, 30ms)), active(2, slow(50ms, 40ms)),
                             active(3, lossy(50)), active(4, lossy(20)), active(5, narrow(1000))},
                            ground());
    REQUIRE(tree.devices.size() == 1);
    CHECK(tree.devices[0].leaves.size() == 31);  // every set of five
    CHECK(leaf(tree, 1).netem->delay->latency == 100ms);
    CHECK(leaf(tree, 3).netem->delay->latency == 150ms);
    CHECK(leaf(tree, 3).netem->delay->jitter == 50ms);  // as deviations add
    CHECK_FALSE(leaf(tree, 3).tbf);
    const auto all = leaf(tree, 31);
    CHECK(std::get<Share>(*all.netem->loss).percent == Approx(60));  // 1 - 0.5 * 0.8
    CHECK(all.tbf->rate == 1000);
    CHECK_FALSE(leaf(tree, 16).netem);
}

TEST_CASE("Of two rates the lower one holds") {
    const auto tree = merge({active(1, narrow(3000)), active(2, narrow(2000))}, ground());
    CHECK(leaf(tree, 3).tbf->rate == 2000);
    CHECK(leaf(tree, 1).tbf->rate == 3000);
}

TEST_CASE("Faults that are for different peers share no class") {
    const auto tree =
        merge({to(1, slow(1ms), {"10.0.0.1"}), to(2, slow(2ms), {"10.0.0.2"})}, ground());
    CHECK(tree.devices.at(0).leaves.size() == 2);
    CHECK(std::get<Steer>(tree.rules.at(1).effect).joins.empty());
    // Of ranges nobody knows.
    const auto ranges =
        merge({to(1, slow(1ms), {"10.0.0.0/8"}), to(2, slow(2ms), {"10.0.0.2"})}, ground());
    CHECK(ranges.devices.at(0).leaves.size() == 3);
    CHECK(std::get<Steer>(ranges.rules.at(1).effect).joins.size() == 1);
}

TEST_CASE("Arriving packets go through a device of our own") {
    auto fault = slow(5ms);
    fault.direction = Direction::kIngress;
    const auto arriving = merge({active(1, fault)}, ground());
    REQUIRE(arriving.devices.size() == 1);
    CHECK(arriving.devices[0].name == "chaosifb2");
    CHECK(arriving.devices[0].stands_for == "eth0");
    CHECK(arriving.redirects == std::vector<Redirect>{{"eth0", "chaosifb2", {class_handle(1)}}});
    CHECK_FALSE(arriving.rules.at(0).outgoing);
    fault.direction = Direction::kBoth;
    CHECK(merge({active(1, fault)}, ground()).devices.size() == 2);
    // Our own device is nobody's interface.
    auto with_ifb = ground();
    with_ifb.interfaces.push_back({.index = 9, .name = "chaosifb2", .up = true, .kind = "ifb"});
    CHECK(merge({active(1, slow(5ms))}, with_ifb).devices.size() == 1);
}

TEST_CASE("All interfaces but lo are meant, or those that are named") {
    auto fault = slow(5ms);
    CHECK(merge({active(1, fault)}, ground(3)).devices.size() == 3);
    fault.interfaces = {"eth1"};
    const auto one = merge({active(1, fault), active(2, slow(7ms))}, ground(2));
    REQUIRE(one.devices.size() == 2);
    CHECK(one.devices[0].leaves.size() == 1);
    CHECK(one.devices[1].leaves.size() == 3);
    fault.interfaces = {"eth7"};
    const auto none = merge({active(1, fault)}, ground());
    CHECK_THAT(none.refused.at(1).context,
               Catch::Contains("there is no interface eth7, only lo, eth0"));
    CHECK_THAT(merge({active(1, slow(5ms))}, ground(0)).refused.at(1).context,
               Catch::Contains("no network interface but lo"));
}

TEST_CASE("A partition needs no class, and drops both ways whatever the direction") {
    NetworkFault fault{.action = NetworkAction::kPartition,
                       .partition = Peers{.services = {"db"}},
                       .to = Peers{.ports = {{5432, 5432}}}};
    auto cut = active(13, fault);
    cut.peers.partition = {"10.0.0.5"};
    const auto tree = merge({cut}, ground());
    CHECK(tree.devices.empty());
    REQUIRE(tree.rules.size() == 1);
    CHECK((tree.rules[0].outgoing && tree.rules[0].incoming));
    CHECK(tree.rules[0].to.size() == 2);  // from these peers and to that port
    CHECK(std::holds_alternative<Drop>(tree.rules[0].effect));
    // Peers without an address are nobody, not everybody.
    cut.peers.partition.clear();
    const auto text = ruleset(merge({cut}, ground()).rules).value();
    CHECK_THAT(text, !Catch::Contains("goto hit"));
}

TEST_CASE("What the kernel lacks is named; plain loss is left to nftables") {
    auto bare = ground();
    bare.abilities.netem = bare.abilities.ifb = false;
    const auto tree =
        merge({active(1, slow(1ms)), active(2, lossy(10)), active(3, narrow(9000))}, bare);
    CHECK(tree.refused.at(1).code == ErrorCode::kUnsupported);
    CHECK_THAT(tree.refused.at(1).context, Catch::Contains("modprobe sch_netem"));
    CHECK(tree.refused.size() == 1);
    CHECK(std::holds_alternative<DropShare>(tree.rules.at(0).effect));
    CHECK(tree.devices.at(0).leaves.size() == 1);
    auto arriving = narrow(9000);
    arriving.direction = Direction::kIngress;
    CHECK_THAT(merge({active(1, arriving)}, bare).refused.at(1).context,
               Catch::Contains("modprobe ifb"));
    auto bursts = lossy(10);
    bursts.loss = GilbertElliott{.p = 10};
    CHECK(merge({active(1, bursts)}, bare).refused.contains(1));
}

TEST_CASE("A foreign root is in the way of what needs a root, and of nothing else") {
    auto taken = ground();
    taken.qdiscs.push_back(
        {.interface = 2, .handle = handle_of(0x8001, 0), .parent = kNoParent, .kind = "fq_codel"});
    NetworkFault cut{.action = NetworkAction::kPartition,
                     .partition = Peers{.cidrs = {"10.0.0.5"}}};
    auto arriving = slow(1ms);
    arriving.direction = Direction::kIngress;
    const auto tree = merge({active(1, slow(1ms)), active(2, arriving), active(13, cut)}, taken);
    CHECK(tree.refused.size() == 1);
    CHECK_THAT(tree.refused.at(1).context,
               Catch::Contains("eth0 has a qdisc that is not this project's, fq_codel 8001:"));
    // The kernel's own has no handle.
    taken.qdiscs[0].handle = 0;
    CHECK(merge({active(1, slow(1ms))}, taken).refused.empty());
}

TEST_CASE("Models of loss are not mixed with others, and classes are bounded") {
    auto bursts = lossy(10);
    bursts.loss = GilbertElliott{.p = 10};
    const auto tree = merge({active(1, bursts), active(2, lossy(5))}, ground());
    CHECK(tree.refused.at(2).code == ErrorCode::kConflict);
    CHECK(tree.devices.at(0).leaves.size() == 1);
    std::vector<Active> many;
    for (int slot = 1; slot <= kMaxSteering; ++slot) many.push_back(active(slot, slow(1ms)));
    const auto bounded = merge(many, ground());
    CHECK(bounded.devices.at(0).leaves.size() <= kMaxClasses);
    CHECK(bounded.refused.size() == 4);  // the first eight make 255
}

TEST_CASE("A queue holds what comes in the time that it delays") {
    CHECK(leaf(merge({active(1, slow(1ms))}, ground()), 1).netem->limit == 1000);
    CHECK(leaf(merge({active(1, slow(100ms))}, ground()), 1).netem->limit == 20'000);
    const auto rate = leaf(merge({active(1, narrow(125'000))}, ground()), 1);
    CHECK(rate.tbf->burst >= 1514);
    CHECK(rate.tbf->limit > rate.tbf->burst);
}

TEST_CASE("Whatever comes together, each packet gets just the faults that are for it") {
    const auto seed = GENERATE(range(1, 80));
    std::mt19937 random{static_cast<unsigned>(seed)};
    std::vector<Active> faults;
    const int count = 1 + static_cast<int>(random() % 6);
    for (int slot = 1; slot <= count; ++slot) {
        auto fault = slow(1ms * (1 << slot));
        fault.direction = static_cast<Direction>(random() % 3);
        faults.push_back(random() % 2 == 0
                             ? active(slot, fault)
                             : to(slot, fault, {"10.0.0." + std::to_string(random() % 3)}));
    }
    const auto tree = merge(faults, ground());
    CHECK(tree.refused.empty());
    // A packet walks the rules as the kernel walks them.
    for (const bool outgoing : {true, false}) {
        for (const auto* address : {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.9"}) {
            Duration expected{};
            std::uint32_t priority = 0;
            for (std::size_t i = 0; i < faults.size(); ++i) {
                const auto& rule = tree.rules.at(i);
                const auto& addresses = faults[i].peers.to;
                const bool matches =
                    addresses.empty() || std::ranges::find(addresses, address) != addresses.end();
                if (!matches || !(outgoing ? rule.outgoing : rule.incoming)) continue;
                expected += faults[i].fault.delay->latency;
                const auto& steer = std::get<Steer>(rule.effect);
                const auto join = std::ranges::find(
                    steer.joins, priority, &std::pair<std::uint32_t, std::uint32_t>::first);
                priority = join != steer.joins.end() ? join->second : steer.class_id;
            }
            INFO("seed " << seed << " " << address << " " << outgoing);
            Duration delay{};
            for (const auto& device : tree.devices) {
                if (device.stands_for.empty() != outgoing) continue;
                for (const auto& l : device.leaves) {
                    if (class_handle(l.number) == priority) delay = l.netem->delay->latency;
                }
            }
            CHECK(delay == expected);
        }
    }
}

TEST_CASE("A tree is described in the words of tc and nft") {
    auto fault = slow(100ms, 10ms);
    fault.loss = Share{5, 25};
    fault.bandwidth = Bandwidth{.rate = 125'000};
    const auto text = describe(merge({active(1, fault)}, ground()));
    CHECK_THAT(text, Catch::Contains("qdisc add dev eth0 root handle c4a0: htb"));
    CHECK_THAT(text,
               Catch::Contains("parent c4a0:1 handle d001: netem limit 26000 delay 100ms 10ms "
                               "distribution normal loss 5% 25%"));
    CHECK_THAT(text, Catch::Contains("parent d001:1 handle e001: tbf rate 1000000bit"));
    CHECK_THAT(text, Catch::Contains("meta priority set c4a0:1"));
}
