// What faults do to real packets: a namespace is brought to what is wished, and datagrams and pings
// tell. The tests of netem need the lab.
#include "reconcilers/network/visit.h"

#include <cmath>
#include <filesystem>
#include <thread>

#include "reconcilers/network/ability.h"
#include "reconcilers/network/marks.h"
#include "test/network/datagrams.h"
#include "test/support/catch.h"
#include "test/support/heap.h"

using namespace chaos;
using namespace chaos::network;
using namespace chaos::test;

namespace {

// The faults of a namespace as one controller would bring them there.
class Wished {
public:
    explicit Wished(const Pair& pair) : pair_(pair) {
        const auto found = abilities();
        if (!found) throw std::runtime_error(found.error().context);
        abilities_ = as_abilities(*found);
    }

    Report want(std::vector<Active> faults, bool rearm = false) {
        return go({std::move(faults), abilities_, made_, rearm}, visit);
    }
    Report want_each(std::vector<Active> faults) {
        return go({std::move(faults), abilities_, made_, false}, visit_each);
    }
    void forget() { made_.reset(); }  // as a new life of the controller
    void let_go() { to_close_.clear(); }

private:
    Report go(const Wish& wish, Result<Report> (*how)(const Wish&)) {
        Result<Report> report;
        pair_.in_a([&] { report = how(wish); });
        if (!report) throw std::runtime_error(report.error().context);
        made_ = report->tree;
        // As the reconciler does it: not at once, see Report::to_close.
        if (to_close_.size() > 50) to_close_.clear();
        to_close_.push_back(std::move(report->to_close));
        return *report;
    }

    const Pair& pair_;
    Abilities abilities_;
    std::optional<Tree> made_;
    std::vector<std::shared_ptr<void>> to_close_;
};

Active active(int slot, NetworkFault fault, Duration lasts = 5min) {
    Active active{.slot = slot, .fault = std::move(fault), .lasts = lasts};
    if (active.fault.to) active.peers.to = active.fault.to->cidrs;
    if (active.fault.except) active.peers.except = active.fault.except->cidrs;
    if (active.fault.partition) active.peers.partition = active.fault.partition->cidrs;
    return active;
}

NetworkFault latency(Duration latency, std::vector<std::string> to = {}) {
    NetworkFault fault{.action = NetworkAction::kLatency, .delay = Delay{.latency = latency}};
    if (!to.empty()) fault.to = Peers{.cidrs = std::move(to)};
    return fault;
}

NetworkFault bandwidth(std::uint64_t rate, std::vector<std::string> to = {}) {
    NetworkFault fault{.action = NetworkAction::kBandwidth, .bandwidth = Bandwidth{.rate = rate}};
    if (!to.empty()) fault.to = Peers{.cidrs = std::move(to)};
    return fault;
}

NetworkFault lossy(Loss loss, std::vector<std::string> to = {}) {
    NetworkFault fault{.action = NetworkAction::kLoss, .loss = loss};
    if (!to.empty()) fault.to = Peers{.cidrs = std::move(to)};
    return fault;
}

// All that a dump tells of the namespace.
std::string dump(const Pair& pair) {
    return without_counts(pair.tc({"qdisc", "show"})) + pair.a({"nft", "list", "ruleset"}).out +
           pair.a({"ip", "-o", "link"}).out;
}

// Within three standard deviations of a binomial distribution.
bool is_share(int hits, int count, double percent) {
    const double p = percent / 100;
    return std::abs(hits - count * p) <= 3 * std::sqrt(count * p * (1 - p));
}

double goodput(const Pair& pair, const Datagrams::Options& options, int count = 300) {
    const auto outcome = Datagrams::send(pair, count, options);
    // The first comes at once, by the burst; so do some more.
    return outcome.seconds > 0 ? static_cast<double>(outcome.bytes) / outcome.seconds : 0;
}

}  // namespace

TEST_CASE("Bandwidth is limited to what was asked, leaving and arriving, and for nobody else",
          "[network]") {
    const Pair pair;
    Wished wished{pair};
    const auto before = dump(pair);
    auto fault = bandwidth(250'000, {"10.77.0.2"});
    fault.bandwidth->latency = 10s;  // nothing is dropped: all that was sent is measured
    fault.direction = Direction::kBoth;
    (void)wished.want({active(1, fault)});
    const auto within = [](double rate) { return std::abs(rate - 250'000) < 25'000; };
    CHECK(measured([&] { return within(goodput(pair, {})); }));
    // Arriving: the sender is whom the fault is for.
    CHECK(measured([&] { return within(goodput(pair, {.to = "10.77.0.1", .reverse = true})); }));
    CHECK(goodput(pair, {.to = "10.77.0.4"}) > 2'000'000);
    CHECK(goodput(pair, {.to = "fd77::2"}) > 2'000'000);
    (void)wished.want({});
    CHECK(goodput(pair, {}) > 2'000'000);
    CHECK(dump(pair) == before);
}

TEST_CASE("What is undone leaves the namespace as it was, byte for byte", "[network][lab]") {
    const Pair pair;
    (void)pair.a({"nft", "add", "table", "inet", "theirs"});
    Wished wished{pair};
    const auto before = dump(pair);
    auto both = bandwidth(1'000'000);
    both.direction = Direction::kBoth;
    NetworkFault partition{.action = NetworkAction::kPartition,
                           .partition = Peers{.cidrs = {"10.77.0.4"}}};
    (void)wished.want({active(1, both), active(2, bandwidth(500'000, {"10.77.0.2"})),
                       active(13, partition), active(14, lossy(Share{10, 0}))});
    CHECK(dump(pair) != before);
    SECTION("by the one who made it") { (void)wished.want({}); }
    SECTION("by another life of the controller") {
        wished.forget();
        (void)wished.want({});
    }
    CHECK(dump(pair) == before);
}

TEST_CASE("A new fault that the kernel refuses takes no other along", "[network]") {
    const Pair pair;
    Wished wished{pair};
    const auto cut = [](const std::string& from) {
        NetworkFault fault{.action = NetworkAction::kPartition};
        fault.partition = Peers{.cidrs = {from}};
        return fault;
    };
    wished.want({active(1, cut("10.9.9.1"))});
    auto bad = active(3, cut("10.9.9.3"));
    bad.peers.partition = {"no address"};
    auto good = active(2, cut("10.9.9.2"));
    auto late = active(4, cut("10.9.9.4"));
    for (auto* fault : {&bad, &good, &late}) fault->fresh = true;
    const auto report = wished.want_each({active(1, cut("10.9.9.1")), good, bad, late});
    CHECK(report.tree.refused.size() == 1);
    CHECK(report.tree.refused.contains(3));
    const auto rules = pair.a({"nft", "list", "ruleset"}).out;
    for (const auto* there : {"10.9.9.1", "10.9.9.2", "10.9.9.4"}) {
        CHECK_THAT(rules, Catch::Contains(there));
    }
}

TEST_CASE("What somebody has removed is put back", "[network]") {
    const Pair pair;
    Wished wished{pair};
    const std::vector faults{active(1, bandwidth(1'000'000))};
    CHECK_FALSE(wished.want(faults).put_back);
    CHECK_FALSE(wished.want(faults).put_back);
    const auto as_made = pair.tc({"qdisc", "show"});
    (void)pair.tc({"qdisc", "del", "dev", "eth0", "root"});
    CHECK(wished.want(faults).put_back);
    CHECK(pair.tc({"qdisc", "show"}) == as_made);
    (void)pair.a({"nft", "flush", "ruleset"});
    CHECK(wished.want(faults).put_back);
    CHECK_FALSE(wished.want(faults).put_back);
    CHECK_THAT(pair.a({"nft", "list", "ruleset"}).out, Catch::Contains("chaos_sutazai"));
}

TEST_CASE("A fault ends by itself in the kernel, and its end can be moved", "[network]") {
    const Pair pair;
    Wished wished{pair};
    const NetworkFault everybody{.action = NetworkAction::kPartition,
                                 .partition = Peers{.cidrs = {"0.0.0.0/0", "::/0"}}};
    (void)wished.want({active(13, everybody, 1s)});
    CHECK(pair.ping(1).received == 0);
    (void)wished.want({active(13, everybody, 3s)}, true);
    const auto moved = std::chrono::steady_clock::now();
    CHECK(until([&] { return pair.ping(1).received == 1; }, 15s));
    CHECK(std::chrono::steady_clock::now() - moved > 2s);
    pair.in_a([] {
        const auto marks = find_marks();
        REQUIRE(marks);
        CHECK_FALSE(marks->items.empty());
        CHECK_FALSE(marks->live);
    });
}

TEST_CASE("A root qdisc and tables that are not ours stay, and the fault is refused", "[network]") {
    const Pair pair;
    (void)pair.tc({"qdisc", "add", "dev", "eth0", "root", "handle", "7:", "htb"});
    Wished wished{pair};
    const auto before = dump(pair);
    const auto report = wished.want({active(1, bandwidth(1'000'000))});
    REQUIRE(report.tree.refused.contains(1));
    CHECK_THAT(report.tree.refused.at(1).context,
               Catch::Contains("eth0 has a qdisc that is not this project's, htb 7:"));
    CHECK(report.tree.refused.at(1).code == ErrorCode::kConflict);
    CHECK(dump(pair) == before);
}

TEST_CASE("Statistics tell what a fault has done, also after a change and an end", "[network]") {
    const Pair pair;
    Wished wished{pair};
    const NetworkFault partition{.action = NetworkAction::kPartition,
                                 .partition = Peers{.cidrs = {"10.77.0.2"}}};
    auto limited = active(1, bandwidth(1'000'000, {"10.77.0.4"}));
    limited.fresh = true;
    (void)wished.want({limited, active(13, partition)});
    limited.fresh = false;
    CHECK(pair.ping(3, "10.77.0.4").received == 3);
    CHECK(pair.ping(2).received == 0);
    auto report = wished.want({limited, active(13, partition)});
    CHECK(report.statistics.at(1).packets == 3);
    CHECK(report.statistics.at(1).dropped == 0);
    CHECK(report.statistics.at(1).disciplines == "tbf");
    CHECK(report.statistics.at(13).packets == 2);
    CHECK(report.statistics.at(13).dropped == 2);
    // A third fault changes the ruleset; the counters go on.
    (void)wished.want({limited, active(13, partition), active(14, lossy(Share{10, 0}))});
    report = wished.want({active(13, partition)});
    CHECK(report.statistics.at(1).packets == 3);
    CHECK(report.statistics.at(13).packets == 2);
}

TEST_CASE("Visits to two namespaces at the same time do not get into each other's way",
          "[network]") {
    const Pair first;
    const Pair second;
    std::atomic<int> failures{0};
    const auto work = [&](const Pair& pair) {
        Wished wished{pair};
        auto both = bandwidth(1'000'000);
        both.direction = Direction::kBoth;
        try {
            for (int i = 0; i < 300; ++i) {
                auto other =
                    active(2, bandwidth(2'000'000, {"10.77.0." + std::to_string(i % 250 + 1)}));
                other.fault.direction = Direction::kBoth;
                (void)wished.want({active(1, both), other});
            }
        } catch (const std::exception&) {
            ++failures;
        }
    };
    std::thread beside{[&] { work(second); }};
    work(first);
    beside.join();
    CHECK(failures == 0);
}

TEST_CASE("A thousand faults that come and go leak nothing", "[network]") {
    const Pair pair;
    Wished wished{pair};
    const auto count = [](const char* path) {
        return std::distance(std::filesystem::directory_iterator{path},
                             std::filesystem::directory_iterator{});
    };
    const auto cycle = [&](Direction direction) {
        auto limited = bandwidth(1'000'000);
        limited.direction = direction;
        (void)wished.want({active(1, limited), active(13, lossy(Share{10, 0}))});
        (void)wished.want({});
    };
    cycle(Direction::kBoth);
    for (int i = 0; i < 100; ++i) cycle(Direction::kEgress);  // what is only cached is there now
    wished.let_go();
    const auto before = dump(pair);
    const auto files = count("/proc/self/fd");
    const auto threads = count("/proc/self/task");
    const auto heap = heap_in_use();
    // Every device that goes waits for all processors: some must do.
    for (int i = 0; i < 1000; ++i) cycle(i % 50 == 0 ? Direction::kBoth : Direction::kEgress);
    wished.let_go();
    CHECK(dump(pair) == before);
    CHECK(count("/proc/self/fd") == files);
    CHECK(count("/proc/self/task") == threads);
    CHECK(heap_in_use() < heap + 100'000);  // 100 bytes a cycle
}

TEST_CASE("Latency is added to the base, in either direction, changed in place, and goes",
          "[.][lab][netem]") {
    const Pair pair;
    Wished wished{pair};
    const auto base = pair.ping(100).average;
    const auto adds = [&](double milliseconds, int pings) {
        return measured([&] {
            const auto ping = pair.ping(pings);
            INFO("base " << base << " now " << ping.average);
            return ping.received == pings &&
                   std::abs(ping.average - base - milliseconds) < 0.05 * milliseconds;
        });
    };
    (void)wished.want({active(1, latency(100ms))});
    CHECK(adds(100, 100));
    (void)wished.want({active(1, latency(250ms))});
    CHECK(adds(250, 20));
    auto arriving = latency(100ms);
    arriving.direction = Direction::kIngress;
    (void)wished.want({active(1, arriving)});
    CHECK(adds(100, 100));
    arriving.direction = Direction::kBoth;
    (void)wished.want({active(1, arriving)});
    CHECK(adds(200, 50));
    (void)wished.want({});
    CHECK(pair.ping(20).average < base + 20);
}

TEST_CASE("A change in place loses, doubles and hurries no packet", "[.][lab][netem]") {
    const Pair pair;
    Wished wished{pair};
    (void)wished.want({active(1, latency(200ms)), active(2, latency(50ms, {"10.77.0.4"}))});
    std::atomic<bool> stop{false};
    std::thread changes{[&] {
        for (int i = 0; !stop; ++i) {
            // The second fault comes, changes and goes beside the first, whose packets are counted.
            std::vector faults{active(1, latency(200ms))};
            if (i % 3 != 2)
                faults.push_back(active(2, latency(i % 3 == 0 ? 50ms : 80ms, {"10.77.0.4"})));
            (void)wished.want(faults);
        }
    }};
    const auto first = Datagrams::send(pair, 500, {.pause = 5ms});
    const auto both = Datagrams::send(pair, 500, {.to = "10.77.0.4", .pause = 5ms});
    stop = true;
    changes.join();
    CHECK(first.arrived == 500);
    CHECK(first.twice == 0);
    CHECK(both.arrived == 500);
}

TEST_CASE("Losses, duplicates, damage and reordering come in the shares that were asked",
          "[.][lab][netem]") {
    const Pair pair;
    Wished wished{pair};
    constexpr int kCount = 4000;
    const Datagrams::Options options{.pause = 200us};
    NetworkFault fault{.action = NetworkAction::kCombined};
    SECTION("loss") {
        fault.loss = Share{20, 0};
        (void)wished.want({active(1, fault)});
        CHECK(measured([&] {
            return is_share(kCount - Datagrams::send(pair, kCount, options).arrived, kCount, 20);
        }));
    }
    SECTION("Gilbert-Elliott: the stationary share is p / (p + r)") {
        fault.loss = GilbertElliott{.p = 5, .r = 45};
        (void)wished.want({active(1, fault)});
        CHECK(measured([&] {
            const auto lost = kCount - Datagrams::send(pair, kCount, options).arrived;
            // Bursts of r packets widen the deviation by the root of (2 - p - r) / (p + r).
            const double widening = std::sqrt(1.5 / 0.5);
            return std::abs(lost - kCount * 0.1) < 3 * widening * std::sqrt(kCount * 0.1 * 0.9);
        }));
    }
    SECTION("four states: losses of the single kind only") {
        fault.loss = FourState{.p13 = 0, .p31 = 100, .p32 = 0, .p23 = 100, .p14 = 10};
        (void)wished.want({active(1, fault)});
        // From 4 it goes back to 1, so of every 1 + p14 steps p14 are losses.
        CHECK(measured([&] {
            return is_share(kCount - Datagrams::send(pair, kCount, options).arrived, kCount,
                            100 * 0.1 / 1.1);
        }));
    }
    SECTION("duplicates") {
        fault.duplicate = Share{20, 0};
        (void)wished.want({active(1, fault)});
        CHECK(measured(
            [&] { return is_share(Datagrams::send(pair, kCount, options).twice, kCount, 20); }));
    }
    SECTION("damage: what hits a header arrives nowhere") {
        fault.corrupt = Share{20, 0};
        (void)wished.want({active(1, fault)});
        CHECK(measured([&] {
            const auto outcome = Datagrams::send(pair, kCount, options);
            return outcome.damaged > 0 && is_share(kCount - outcome.arrived, kCount, 20);
        }));
    }
    SECTION("reordering: what overtakes comes before a hundred that were sent before it") {
        fault.delay = Delay{.latency = 20ms};
        fault.reorder = Reorder{{10, 0}, 1};
        (void)wished.want({active(1, fault)});
        CHECK(measured([&] {
            const auto outcome = Datagrams::send(pair, kCount, options);
            INFO("early " << outcome.early << " late " << outcome.out_of_order);
            return outcome.arrived == kCount && outcome.out_of_order > kCount / 2 &&
                   is_share(outcome.early, kCount, 10);
        }));
    }
    SECTION("arriving, too") {
        fault.loss = Share{20, 0};
        fault.direction = Direction::kIngress;
        (void)wished.want({active(1, fault)});
        CHECK(measured([&] {
            const auto outcome =
                Datagrams::send(pair, kCount, {.to = "10.77.0.1", .pause = 200us, .reverse = true});
            return is_share(kCount - outcome.arrived, kCount, 20);
        }));
        CHECK(Datagrams::send(pair, 500, options).arrived == 500);
    }
}

TEST_CASE("Faults for the same packets combine, and each holds where the other does not",
          "[.][lab][netem]") {
    const Pair pair;
    Wished wished{pair};
    const auto near = [](double is, double wanted) {
        return std::abs(is - wanted) < 0.06 * wanted;
    };
    const auto base = pair.ping(50).average;
    (void)wished.want(
        {active(1, latency(100ms)), active(2, latency(200ms, {"10.77.0.4", "fd77::4"}))});
    const auto average = [&](const std::string& to) { return pair.ping(20, to).average - base; };
    CHECK(measured([&] { return near(average("10.77.0.2"), 100); }));
    CHECK(measured([&] { return near(average("10.77.0.4"), 300); }));
    CHECK(measured([&] { return near(average("fd77::4"), 300); }));
    CHECK(measured([&] { return near(average("fd77::2"), 100); }));
    (void)wished.want({active(2, latency(200ms, {"10.77.0.4", "fd77::4"}))});
    CHECK(measured([&] { return near(average("10.77.0.4"), 200); }));
    CHECK(pair.ping(20, "10.77.0.2").average < base + 20);
}
