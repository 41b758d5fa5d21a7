// Queueing disciplines as rtnetlink's bytes.
#include "reconcilers/network/qdisc.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "test/support/catch.h"

using namespace chaos;
using namespace chaos::network;
using namespace std::chrono_literals;

TEST_CASE("Percentages are shares of the largest 32 bit number") {
    CHECK(scaled(0) == 0);
    CHECK(scaled(100) == 4294967295U);
    CHECK(scaled(50) == 2147483648U);
    CHECK(scaled(250) == 4294967295U);
    CHECK(scaled(-1) == 0);
}

TEST_CASE("Distributions have mean 0 and, where they can, deviation 1") {
    const auto moments = [](Distribution distribution) {
        const auto table = distribution_table(distribution);
        double sum = 0;
        double squares = 0;
        for (const auto entry : table) {
            sum += entry / 8192.0;
            squares += entry / 8192.0 * entry / 8192.0;
        }
        const double n = static_cast<double>(table.size());
        return std::pair{sum / n, std::sqrt(squares / n)};
    };
    const auto uniform = distribution_table(Distribution::kUniform);
    CHECK(uniform.front() < -8180);
    CHECK(uniform.back() > 8180);
    CHECK(std::abs(uniform[1024] + 4096) < 4);
    const auto [normal_mean, normal_deviation] = moments(Distribution::kNormal);
    CHECK(std::abs(normal_mean) < 0.01);
    CHECK(std::abs(normal_deviation - 1) < 0.01);
    // The longest tail is cut at the table's largest number, as in tc's.
    for (const auto distribution : {Distribution::kPareto, Distribution::kParetoNormal}) {
        CHECK(std::abs(moments(distribution).first) < 0.05);
    }
    const auto table = distribution_table(Distribution::kNormal);
    CHECK(std::ranges::is_sorted(table));
    CHECK(std::abs(table[table.size() / 2]) < 8);
}

TEST_CASE("Netem's options begin with its old structure, and attributes follow") {
    Netem netem;
    netem.limit = 77;
    netem.loss = Share{50, 25};
    netem.duplicate = Share{10, 0};
    netem.reorder = Reorder{{5, 0}, 3};
    netem.delay = Delay{100ms, 0ms, 0, Distribution::kNormal};
    const auto bytes = encode_options(netem);
    tc_netem_qopt options{};
    REQUIRE(bytes.size() > sizeof options);
    std::memcpy(&options, bytes.data(), sizeof options);
    CHECK(options.limit == 77);
    CHECK(options.loss == scaled(50));
    CHECK(options.duplicate == scaled(10));
    CHECK(options.gap == 3);
    CHECK(bytes.size() % 4 == 0);
    CHECK(kind_of(netem) == "netem");
    // A jitter brings its table along.
    netem.delay->jitter = 10ms;
    CHECK(encode_options(netem).size() > bytes.size() + 8000);
}

TEST_CASE("The decoder of qdiscs survives any bytes") {
    std::mt19937 random{4};
    std::string message(200, '\0');
    for (int round = 0; round < 20'000; ++round) {
        message.resize(random() % 200);
        for (auto& byte : message) byte = static_cast<char>(random());
        (void)decode_qdisc(message);
    }
    CHECK_FALSE(decode_qdisc(""));
    tcmsg header{};
    header.tcm_ifindex = 3;
    header.tcm_handle = 0xC4A00000;
    const auto decoded = decode_qdisc({reinterpret_cast<const char*>(&header), sizeof header});
    REQUIRE(decoded);
    CHECK(decoded->interface == 3);
    CHECK(decoded->handle == 0xC4A00000);
}
