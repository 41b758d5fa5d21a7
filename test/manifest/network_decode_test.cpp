// Network actions: what manifests say, and what they say wrong.
#include "controller/manifest/quantity.h"
#include "test/manifest/decode_action.h"

using namespace chaos;
using namespace chaos::manifest;
using namespace chaos::test;
using namespace std::chrono_literals;

namespace {

NetworkFault fault(const std::string& type, const std::string& parameters) {
    return decode_fault_of<NetworkFault>(type, parameters);
}

}  // namespace

TEST_CASE("Every network action is read with its defaults") {
    const auto slow = fault("network_latency", "latency: 100ms");
    CHECK(slow.action == NetworkAction::kLatency);
    CHECK(slow.delay == Delay{100ms, 0ms, 0, Distribution::kNormal});
    CHECK(slow.direction == Direction::kEgress);
    CHECK(fault("network_latency", "intensity: medium").delay->latency == 100ms);
    CHECK(
        fault("network_latency", "latency: 9ms, jitter: 3ms, correlation: 25, distribution: pareto")
            .delay == Delay{9ms, 3ms, 25, Distribution::kPareto});
    CHECK(fault("network_loss", "percent: 0.5").loss == Loss{Share{0.5, 0}});
    CHECK(fault("network_loss", "gemodel: {p: 5}").loss == Loss{GilbertElliott{.p = 5}});
    CHECK(fault("network_loss", "intensity: low, gemodel: {p: 5}").loss ==
          Loss{GilbertElliott{.p = 5}});
    CHECK(fault("network_loss", "state: {p13: 5}").loss == Loss{FourState{.p13 = 5, .p31 = 95}});
    CHECK(fault("network_loss", "state: {p13: 5, p32: 20}").loss ==
          Loss{FourState{.p13 = 5, .p31 = 80, .p32 = 20}});
    CHECK(fault("network_duplicate", "percent: 1").duplicate == Share{1, 0});
    CHECK(fault("network_corrupt", "intensity: low").corrupt == Share{0.1, 0});
    CHECK(fault("network_reorder", "percent: 5, gap: 0").reorder == Reorder{{5, 0}, 1});
    CHECK(fault("network_reorder", "percent: 5, gap: 4").reorder->gap == 4);
    CHECK(fault("network_bandwidth", "rate: 1mbit, burst: 32Ki, latency: 50ms").bandwidth ==
          Bandwidth{125'000, 32768, 50ms});
    CHECK(fault("network_partition", "from: {services: [db], cidrs: [10.0.0.0/8]}").partition ==
          Peers{.services = {"db"}, .cidrs = {"10.0.0.0/8"}});
}

TEST_CASE("A combination has any of the effects") {
    const auto all =
        fault("network",
              "delay: {latency: 10ms}, loss: {percent: 1}, duplicate: {percent: 2}, "
              "corrupt: {percent: 3}, reorder: {percent: 4}, bandwidth: {rate: 1kbit}, "
              "partition: {from: {services: [db]}}, direction: both, interfaces: [eth0]");
    CHECK((all.delay && all.loss && all.duplicate && all.corrupt && all.reorder && all.bandwidth &&
           all.partition));
    CHECK(all.direction == Direction::kBoth);
    CHECK(all.interfaces == std::vector<std::string>{"eth0"});
}

TEST_CASE("Peers are services, ranges, hostnames, ports and protocols") {
    const auto slow =
        fault("network_latency",
              "latency: 1s, to: {services: [db, \"cache-*\"], cidrs: [fd00::/8], "
              "hostnames: [api.example.com], ports: [443, 8000-8010], protocols: [tcp]}, "
              "except: {ports: [22]}");
    CHECK(slow.to == Peers{.services = {"db", "cache-*"},
                           .cidrs = {"fd00::/8"},
                           .hostnames = {"api.example.com"},
                           .ports = {{443, 443}, {8000, 8010}},
                           .protocols = {Protocol::kTcp}});
    CHECK(slow.except == Peers{.ports = {{22, 22}}});
}

TEST_CASE("Each mistake in a network action is named with what was expected") {
    const auto [type, parameters,
                expected] = GENERATE(table<std::string, std::string, std::string>({
        {"network_latency", "jitter: 1ms", "parameters.latency: missing; expected a duration"},
        {"network_latency", "latency: 0s",
         "parameters.latency: found \"0s\", expected more than 0"},
        {"network_latency", "latency: fast", "expected a duration such as"},
        {"network_latency", "latency: 10ms, jitter: 20ms", "expected at most the latency, 10ms"},
        {"network_latency", "latency: 1s, correlation: 101", "a number from 0 to 100"},
        {"network_latency", "latency: 1s, distribution: gauss", "expected normal, pareto"},
        {"network_latency", "latency: 1s, intensity: high", "expected low or medium in safe mode"},
        {"network_loss", "correlation: 5", "expected one of percent, gemodel and state"},
        {"network_loss", "percent: 0", "parameters.percent: found 0, expected 0.0001 to 100"},
        {"network_loss", "percent: 120", "found 120, expected a number from 0 to 100"},
        {"network_loss", "percent: -1", "a number from 0 to 100"},
        {"network_loss", "percent: 5, gemodel: {p: 1}", "expected only one of"},
        {"network_loss", "gemodel: {p: 1}, state: {p13: 1}", "expected only one of"},
        {"network_loss", "gemodel: {p: 0}", "gemodel.p: expected more than 0"},
        {"network_loss", "state: {p13: 0}", "state.p13: expected more than 0"},
        {"network_loss", "state: {p13: 60, p14: 50}", "p13 and p14 are more than 100 together"},
        {"network_loss", "state: {p13: 5, p31: 90, p32: 20}", "p31 and p32 are more than 100"},
        {"network_duplicate", "correlation: 5", "parameters.percent: missing"},
        {"network_bandwidth", "burst: 32Ki", "parameters.rate: missing"},
        {"network_bandwidth", "rate: 1mbps", "expected a rate above 0 such as 500kbit"},
        {"network_bandwidth", "rate: 0kbit", "expected a rate above 0"},
        {"network_bandwidth", "rate: -1mbit", "expected a rate above 0"},
        {"network_bandwidth", "rate: 1mbit, burst: 10", "expected 1600"},
        {"network_bandwidth", "rate: 1mbit, latency: 0s",
         "parameters.latency: found \"0s\", expected more"},
        {"network_partition", "", "parameters.from: missing"},
        {"network_partition", "from: {}", "found nobody, expected services or cidrs"},
        {"network_partition", "from: {services: []}", "found an empty list"},
        {"network_partition", "from: {hostnames: [a]}", "from.hostnames: unknown field"},
        {"network_partition", "from: {cidrs: [10.0.0.0/33]}", "expected an IP address or a range"},
        {"network_partition", "from: {cidrs: [db]}", "found \"db\", expected an IP address"},
        {"network", "direction: both", "found no effect, expected at least one of delay"},
        {"network", "delay: {jitter: 1ms}", "parameters.delay.latency: missing"},
        {"network", "delay: {latency: 0s}",
         "parameters.delay.latency: found \"0s\", expected more"},
        {"network", "bandwidth: {rate: 1mbit, burst: 1}", "parameters.bandwidth.burst: found"},
        {"network", "partition: {from: {}}", "parameters.partition.from: found nobody"},
        {"network_latency", "latency: 1s, to: {}", "parameters.to: found no conditions"},
        {"network_latency", "latency: 1s, to: {ports: [80], services: []}",
         "parameters.to.services: found an empty list"},
        {"network_latency", "latency: 1s, to: {ports: [0]}", "expected a port from 1 to 65535"},
        {"network_latency", "latency: 1s, to: {ports: [90-80]}", "or a range such as 8000-8010"},
        {"network_latency", "latency: 1s, to: {ports: [http]}", "expected a port"},
        {"network_latency", "latency: 1s, to: {protocols: [sctp]}", "expected tcp, udp or icmp"},
        {"network_latency", "latency: 1s, to: {ports: [80], protocols: [icmp]}",
         "icmp has no ports"},
        {"network_latency", "latency: 1s, to: {hostnames: [\"a b\"]}", "expected a DNS name"},
        {"network_latency", "latency: 1s, to: {service: [a]}", "did you mean \"services\"?"},
        {"network_latency", "latency: 1s, interfaces: []", "found an empty list"},
        {"network_latency", "latency: 1s, interfaces: [\"e 0\"]", "name of a network interface"},
        {"network_latency", "latency: 1s, direction: out", "expected egress, ingress or both"},
        {"network_latency", "latency: 1s, rate: 1mbit", "unknown parameter for network_latency"},
    }));
    INFO(type << " " << parameters);
    const auto documents = decode_action(type, parameters);
    bool found = false;
    for (const auto& problem : documents.at(0).problems) {
        const auto line = render("f", problem);
        UNSCOPED_INFO(line);
        found = found || line.find(expected) != std::string::npos;
        CHECK_THAT(line, Catch::StartsWith("f:8:"));
    }
    CHECK(found);
    CHECK_FALSE(documents[0].experiment);
}

TEST_CASE("Rates are read and written back") {
    for (const auto& [text, bytes] : std::vector<std::pair<std::string, std::uint64_t>>{
             {"1mbit", 125'000}, {"1500kbit", 187'500}, {"2gbit", 250'000'000}, {"123Bps", 123}}) {
        CHECK(parse_rate(text) == bytes);
        CHECK(format_rate(bytes) == text);
    }
    CHECK(parse_rate("1.5mbit") == 187'500U);
    CHECK(parse_rate("2MBps") == 2'000'000U);
    for (const auto* bad :
         {"", "1", "mbit", "1 mbit", "1e400mbit", "nanmbit", "1mbit ", "0.001bit"}) {
        INFO(bad);
        CHECK_FALSE(parse_rate(bad));
    }
    CHECK(parse_bytes("64Ki") == 65536U);
    CHECK_FALSE(parse_bytes("-1"));
}
