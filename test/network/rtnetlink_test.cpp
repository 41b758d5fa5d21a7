// Qdiscs in a real kernel, in a network namespace of the test's own; tc(8) is the witness. The
// tests of netem need the lab.
#include "reconcilers/network/rtnetlink.h"

#include <filesystem>

#include "test/network/pair.h"
#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::network;
using namespace chaos::test;

namespace {

constexpr std::uint32_t kRoot = handle_of(0xc4a0, 0);
constexpr std::uint32_t kClass = handle_of(0xc4a0, 2);
constexpr std::uint32_t kBelow = handle_of(0xc4a2, 0);

// With a connection to rtnetlink in the first namespace, and the index of its interface.
void with_link(const Pair& pair, const std::function<void(Rtnetlink&, int)>& work) {
    pair.in_a([&] {
        auto link = Rtnetlink::open();
        if (!link) throw std::runtime_error(link.error().context);
        const auto interfaces = link->interfaces();
        if (!interfaces) throw std::runtime_error(interfaces.error().context);
        for (const auto& i : *interfaces) {
            if (i.name == "eth0") work(*link, i.index);
        }
    });
}

std::size_t open_files() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{"/proc/self/fd"},
                      std::filesystem::directory_iterator{}));
}

}  // namespace

TEST_CASE("A tree of htb and tbf is made, changed in place and removed without a trace",
          "[network][lab]") {
    const Pair pair;
    const auto before = pair.tc({"qdisc", "show"});
    with_link(pair, [&](Rtnetlink& link, int eth0) {
        CHECK(link.put_qdisc(eth0, kNoParent, kRoot, Htb{}));
        CHECK(link.put_class(eth0, kRoot, kClass, 1'000'000'000, 1'000'000));
        CHECK(link.put_qdisc(eth0, kClass, kBelow, Tbf{125'000, 10'000, 50'000}));
    });
    auto shown = pair.tc({"qdisc", "show"});
    CHECK_THAT(shown, Catch::Contains("qdisc htb c4a0: dev eth0 root"));
    CHECK_THAT(shown, Catch::Contains("qdisc tbf c4a2: dev eth0 parent c4a0:2 rate 1Mbit"));
    with_link(pair, [&](Rtnetlink& link, int eth0) {
        CHECK(link.put_qdisc(eth0, kNoParent, kRoot, Htb{}));  // again: nothing changes
        CHECK(link.put_qdisc(eth0, kClass, kBelow, Tbf{250'000, 10'000, 50'000}));
        const auto seen = link.qdiscs();
        REQUIRE(seen);
        CHECK(std::ranges::count(*seen, kBelow, &Observed::handle) == 1);
    });
    CHECK_THAT(pair.tc({"qdisc", "show"}), Catch::Contains("rate 2Mbit"));
    with_link(pair, [&](Rtnetlink& link, int eth0) {
        CHECK(link.remove_qdisc(eth0, kNoParent, kRoot));
        CHECK(link.remove_qdisc(eth0, kNoParent, kRoot));  // gone already
    });
    CHECK(pair.tc({"qdisc", "show"}) == before);
}

TEST_CASE("What the kernel refuses comes with its own words, and foreign roots stay", "[network]") {
    const Pair pair;
    (void)pair.tc({"qdisc", "add", "dev", "eth0", "root", "handle", "7:", "htb"});
    with_link(pair, [&](Rtnetlink& link, int eth0) {
        CHECK(link.remove_qdisc(eth0, kNoParent, kRoot));  // ours is not there
        const auto second = link.put_qdisc(eth0, kNoParent, kRoot, Tbf{1000, 100, 100});
        REQUIRE_FALSE(second);
        CHECK_THAT(second.error().context, Catch::Contains("put qdisc tbf: "));
        const auto nowhere = link.put_qdisc(4711, kNoParent, kRoot, Htb{});
        REQUIRE_FALSE(nowhere);
        CHECK(nowhere.error().code == ErrorCode::kNotFound);
        const auto orphan = link.put_qdisc(eth0, handle_of(0x99, 1), kBelow, Tbf{1000, 100, 100});
        CHECK_FALSE(orphan);
    });
    CHECK_THAT(pair.tc({"qdisc", "show"}), Catch::Contains("qdisc htb 7:"));
}

TEST_CASE("A thousand visits to a namespace leak nothing", "[network]") {
    const Pair pair;
    with_link(pair, [](Rtnetlink&, int) {});
    const auto before = open_files();
    for (int i = 0; i < 1000; ++i) {
        with_link(pair, [&](Rtnetlink& link, int eth0) {
            (void)link.put_qdisc(eth0, kNoParent, kRoot, Htb{});
            (void)link.remove_qdisc(eth0, kNoParent, kRoot);
        });
    }
    CHECK(open_files() == before);
}

TEST_CASE("Netem delays by what was asked, is changed in place, and goes", "[.][lab]") {
    const Pair pair;
    (void)run_program({"modprobe", "sch_netem"});
    const auto base = pair.ping(20);
    REQUIRE(base.received == 20);
    const auto put = [&](Duration latency) {
        with_link(pair, [&](Rtnetlink& link, int eth0) {
            Netem netem;
            netem.delay = Delay{latency, 0ms, 0, Distribution::kNormal};
            const auto done = link.put_qdisc(eth0, kNoParent, kRoot, netem);
            INFO((done ? "" : done.error().context));
            CHECK(done);
        });
    };
    put(100ms);
    CHECK_THAT(pair.tc({"qdisc", "show"}), Catch::Contains("delay 100ms"));
    CHECK(measured([&] { return std::abs(pair.ping(100).average - base.average - 100) < 5; }));
    put(250ms);
    CHECK(measured([&] { return std::abs(pair.ping(20).average - base.average - 250) < 12.5; }));
    with_link(pair,
              [&](Rtnetlink& link, int eth0) { CHECK(link.remove_qdisc(eth0, kNoParent, kRoot)); });
    CHECK(pair.ping(20).average < base.average + 20);
}

TEST_CASE("A change in place leaves nothing of what was before", "[.][lab]") {
    const Pair pair;
    (void)run_program({"modprobe", "sch_netem"});
    const auto put = [&](const Netem& netem) {
        with_link(pair, [&](Rtnetlink& link, int eth0) {
            CHECK(link.put_qdisc(eth0, kNoParent, kRoot, netem));
        });
    };
    Netem netem;
    netem.delay = Delay{50ms, 10ms, 25, Distribution::kNormal};
    netem.loss = GilbertElliott{10, 20, 30, 40};
    netem.duplicate = Share{1, 2};
    netem.corrupt = Share{2, 3};
    netem.reorder = Reorder{{25, 50}, 5};
    put(netem);
    CHECK_THAT(pair.tc({"qdisc", "show"}), Catch::Contains("corrupt 2%"));
    Netem slow;
    slow.delay = Delay{70ms, 0ms, 0, Distribution::kNormal};
    put(slow);
    const auto after = pair.tc({"qdisc", "show"});
    CHECK_THAT(after, Catch::Contains("delay 70ms"));
    for (const auto* gone : {"corrupt", "loss", "duplicate", "reorder", "gap"}) {
        CHECK_THAT(after, !Catch::Contains(gone));
    }
}

TEST_CASE("tc shows netem as it was asked for", "[.][lab]") {
    const Pair pair;
    (void)run_program({"modprobe", "sch_netem"});
    const auto shown = [&](const Netem& netem) {
        std::string text;
        with_link(pair, [&](Rtnetlink& link, int eth0) {
            (void)link.remove_qdisc(eth0, kNoParent, kRoot);
            const auto done = link.put_qdisc(eth0, kNoParent, kRoot, netem);
            text = done ? "" : done.error().context;
        });
        return text + pair.tc({"qdisc", "show"});
    };
    Netem netem;
    netem.loss = Share{5, 25};
    CHECK_THAT(shown(netem), Catch::Contains("loss 5% 25%"));
    netem.loss = GilbertElliott{10, 20, 30, 40};
    CHECK_THAT(shown(netem), Catch::Contains("loss gemodel p 10% r 20% 1-h 30% 1-k 40%"));
    netem.loss = FourState{10, 20, 30, 40, 50};
    CHECK_THAT(shown(netem), Catch::Contains("loss state p13 10% p31 20% p32 30% p23 40% p14 50%"));
    netem = {};
    netem.delay = Delay{50ms, 10ms, 0, Distribution::kNormal};
    netem.duplicate = Share{1, 0};
    netem.corrupt = Share{2, 0};
    netem.reorder = Reorder{{25, 50}, 5};
    const auto all = shown(netem);
    CHECK_THAT(all, Catch::Contains("delay 50ms  10ms") && Catch::Contains("duplicate 1%"));
    CHECK_THAT(all, Catch::Contains("reorder 25% 50%") && Catch::Contains("corrupt 2%"));
    CHECK_THAT(all, Catch::Contains("gap 5"));
}
