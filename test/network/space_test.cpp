// Which faults a namespace is to have.
#include "reconcilers/network/space.h"

#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::network;
using namespace chaos::test;

namespace {

FaultRecord record(const std::string& experiment, const std::string& id, Duration latency = 100ms,
                   TimePoint ends = kT0 + 1min) {
    NetworkFault fault{.action = NetworkAction::kLatency, .delay = Delay{.latency = latency}};
    FaultRecord record{.id = id, .spec = fault};
    record.target = id.substr(id.rfind('@') + 1);
    record.experiment = experiment;
    record.uid = experiment + "/" + id;
    record.ends_at = ends;
    return record;
}

FaultRecord cut(const std::string& experiment) {
    auto r = record(experiment, "s/0:network_partition@web");
    r.uid = experiment + "/cut";
    r.spec = NetworkFault{.action = NetworkAction::kPartition,
                          .partition = Peers{.cidrs = {"10.0.0.1"}}};
    return r;
}

Result<int> put(Space& space, const FaultRecord& record) {
    return space.put(record, *record.ends_at);
}

}  // namespace

TEST_CASE("Experiments have slots of their own, which stay theirs") {
    Space space;
    CHECK(put(space, record("a", "s/0:network_latency@web")) == 1);
    CHECK(put(space, record("b", "s/0:network_latency@web")) == 2);
    CHECK(put(space, cut("c")) == 13);  // needs no class, so none of the few numbers
    space.remove(record("a", "s/0:network_latency@web"));
    CHECK(put(space, record("b", "s/0:network_latency@web", 250ms)) == 2);
    REQUIRE(space.active(kT0).size() == 2);
    CHECK(space.active(kT0)[0].fault.delay->latency == 250ms);
    CHECK(space.active(kT0)[0].lasts == 1min);
    space.remove(record("b", "s/0:network_latency@web"));
    space.remove(cut("c"));
    CHECK(space.empty());
}

TEST_CASE("Containers that share the namespace are one fault, until the last one's end") {
    Space space;
    CHECK(put(space, record("a", "s/0:network_latency@web")) == 1);
    CHECK(put(space, record("a", "s/0:network_latency@sidecar", 100ms, kT0 + 2min)) == 1);
    REQUIRE(space.active(kT0).size() == 1);
    CHECK(space.active(kT0)[0].lasts == 2min);
    space.remove(record("a", "s/0:network_latency@sidecar"));
    CHECK(space.active(kT0).at(0).lasts == 1min);
    space.remove(record("a", "s/0:network_latency@web"));
    CHECK(space.empty());
}

TEST_CASE("After a restart a fault has the slot that it had, and its counters go on") {
    Space space;
    auto known = record("a", "s/0:network_latency@web");
    known.evidence["slot"] = "3";
    CHECK(put(space, known) == 3);
    CHECK_FALSE(space.active(kT0)[0].fresh);
    CHECK(put(space, record("b", "s/0:network_latency@web")) == 1);
    CHECK(space.active(kT0)[0].fresh);
    space.settle(space.active(kT0), {});
    CHECK_FALSE(space.active(kT0)[0].fresh);
}

TEST_CASE("A refused fault leaves what was before") {
    Space space;
    const auto first = record("a", "s/0:network_latency@web");
    REQUIRE(put(space, first));
    space.reset(first);
    CHECK(space.empty());
    REQUIRE(put(space, first));
    space.settle(space.active(kT0), {});
    const auto changed = record("a", "s/0:network_latency@web", 9s);
    REQUIRE(put(space, changed));
    space.reset(changed);
    CHECK(space.active(kT0).at(0).fault.delay->latency == 100ms);
}

TEST_CASE("A refusal of two that share the namespace leaves neither, or both as they were") {
    Space space;
    const auto web = record("a", "s/0:network_latency@web");
    const auto sidecar = record("a", "s/0:network_latency@sidecar");
    REQUIRE(put(space, web));
    REQUIRE(put(space, sidecar));
    SECTION("new") {
        space.reset(web);
        space.reset(sidecar);
        CHECK(space.empty());
    }
    SECTION("changed") {
        space.settle(space.active(kT0), {});
        const auto slow_web = record("a", "s/0:network_latency@web", 9s);
        const auto slow_sidecar = record("a", "s/0:network_latency@sidecar", 9s);
        REQUIRE(put(space, slow_web));
        REQUIRE(put(space, slow_sidecar));
        REQUIRE(space.active(kT0).size() == 1);
        space.reset(slow_web);
        space.reset(slow_sidecar);
        REQUIRE(space.active(kT0).size() == 1);
        CHECK(space.active(kT0)[0].fault.delay->latency == 100ms);
        CHECK(space.remove(web));
        CHECK(space.remove(sidecar));
        CHECK(space.empty());
    }
}

TEST_CASE("A fault that an edit has renamed is still the same one") {
    Space space;
    auto r = record("a", "s/0:network_latency@web");
    REQUIRE(put(space, r));
    r.id = "renamed/3:network_latency@web";
    CHECK(put(space, r) == 1);
    CHECK(space.active(kT0).size() == 1);
    CHECK(space.remove(r));
    CHECK(space.empty());
}

TEST_CASE("Only so many faults have a class") {
    Space space;
    for (int i = 0; i < kMaxSteering; ++i) {
        REQUIRE(put(space, record("e" + std::to_string(i), "s/0:network_latency@web")));
    }
    const auto one_more = put(space, record("more", "s/0:network_latency@web"));
    REQUIRE_FALSE(one_more);
    CHECK(one_more.error().code == ErrorCode::kConflict);
    CHECK(put(space, cut("other")));
}
