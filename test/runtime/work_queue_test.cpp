#include "controller/runtime/work_queue.h"

#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::runtime;
using namespace chaos::test;

TEST_CASE("A key waits once however often it is added") {
    WorkQueue q;
    q.add("a");
    q.add("a");
    q.add("b");
    CHECK(q.take(kT0) == "a");
    CHECK(q.take(kT0) == "b");
    CHECK_FALSE(q.take(kT0));
}

TEST_CASE("A key in work is not given out again, but comes back if it was added meanwhile") {
    WorkQueue q;
    q.add("a");
    CHECK(q.take(kT0) == "a");
    q.add("a");
    q.add("a");
    CHECK_FALSE(q.take(kT0));
    q.done("a");
    CHECK(q.take(kT0) == "a");
    q.done("a");
    CHECK_FALSE(q.take(kT0));
}

TEST_CASE("Keys that undo go first, also those that were waiting") {
    WorkQueue q;
    q.add("a");
    q.add("b");
    q.add("c");
    q.add("b", true);
    CHECK(q.take(kT0) == "b");
    CHECK_FALSE(q.take(kT0, true));
    CHECK(q.take(kT0) == "a");
}

TEST_CASE("A key comes when its time has come, at the earliest of several") {
    WorkQueue q;
    q.add_at("a", kT0 + 10s);
    q.add_at("a", kT0 + 5s);
    q.add_at("a", kT0 + 20s);
    CHECK(q.next_time() == kT0 + 5s);
    CHECK_FALSE(q.take(kT0 + 4s));
    CHECK(q.take(kT0 + 5s) == "a");
    q.done("a");
    CHECK_FALSE(q.take(kT0 + 30s));
    CHECK_FALSE(q.next_time());
}
