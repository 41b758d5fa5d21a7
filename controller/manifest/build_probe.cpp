#include "controller/manifest/build_probe.h"

#include <algorithm>
#include <set>

#include "controller/manifest/scalars.h"
#include "controller/manifest/schema.h"

namespace chaos::manifest {
namespace {

constexpr Names<ProbeType, 4> kTypes{{{"container_health", ProbeType::kContainerHealth},
                                      {"http", ProbeType::kHttp},
                                      {"tcp", ProbeType::kTcp},
                                      {"exec", ProbeType::kExec}}};

std::array<bool, 3> phases_of(const Node& node) {
    const auto names = strings_at(node, "phases");
    const auto has = [&](const char* name) {
        return names.empty() || std::ranges::find(names, name) != names.end();
    };
    return {has("before"), has("during"), has("after")};
}

void take_tolerance(const Node& tolerance, Probe& probe) {
    for (const auto& status : strings_at(tolerance, "status")) {
        probe.statuses.push_back(std::stoll(status));
    }
    probe.body_regex = tolerance.text_at("body_regex");
    probe.exit_code = integer_at(tolerance, "exit_code").value_or(0);
    probe.max_latency = duration_at(tolerance, "max_latency");
}

const char* needed_by(ProbeType type) {
    switch (type) {
        case ProbeType::kHttp: return "url";
        case ProbeType::kTcp: return "address";
        case ProbeType::kContainerHealth:
        case ProbeType::kExec: break;
    }
    return "service";
}

void missing(const Node& node, const std::string& path, const char* field,
             std::vector<Diagnostic>& problems) {
    if (node.find(field) != nullptr) return;
    problems.push_back(
        {node.mark, path + "." + field, "missing; type " + node.text_at("type") + " needs it"});
}

}  // namespace

Probe build_probe(const Node& node) {
    Probe probe{.name = node.text_at("name"),
                .type = enum_at(node, "type", kTypes),
                .phases = phases_of(node),
                .service = node.text_at("service"),
                .url = node.text_at("url"),
                .method = string_at(node, "method").value_or("GET"),
                .address = node.text_at("address"),
                .command = strings_at(node, "command")};
    if (const Node* tolerance = node.find("tolerance")) take_tolerance(*tolerance, probe);
    probe.interval = duration_at(node, "interval").value_or(probe.interval);
    probe.timeout = duration_at(node, "timeout").value_or(probe.timeout);
    probe.initial_delay = duration_at(node, "initial_delay").value_or(Duration{0});
    probe.retries = integer_at(node, "retries").value_or(0);
    probe.stop_on_failure = node.text_at("stop_on_failure") == "true";
    probe.weight = number_at(node, "weight").value_or(1);
    return probe;
}

void check_probes(const std::vector<Probe>& probes, const Node& list,
                  std::vector<Diagnostic>& problems) {
    constexpr Duration kShortest = std::chrono::milliseconds{100};
    std::set<std::string> names;
    for (std::size_t i = 0; i < probes.size(); ++i) {
        const auto& probe = probes[i];
        const Node& node = list.items[i];
        const auto path = "spec.probes[" + std::to_string(i) + "]";
        if (!names.insert(probe.name).second) {
            problems.push_back({node.find("name")->mark, path + ".name",
                                "duplicate probe name \"" + probe.name + "\""});
        }
        missing(node, path, needed_by(probe.type), problems);
        if (probe.type == ProbeType::kExec) missing(node, path, "command", problems);
        const Node* url = node.find("url");
        if (probe.type == ProbeType::kHttp && url != nullptr && !has_format("url", *url)) {
            problems.push_back(found_expected(*url, path + ".url", format_hint("url")));
        }
        const Node* address = node.find("address");
        if (probe.type == ProbeType::kTcp && address != nullptr &&
            probe.address.find(':') == std::string::npos) {
            problems.push_back(found_expected(*address, path + ".address",
                                              "host and port such as 127.0.0.1:5432"));
        }
        if (probe.interval < kShortest || probe.timeout < kShortest) {
            problems.push_back(
                {node.mark, path, "expected interval and timeout of at least 100ms"});
        }
    }
}

}  // namespace chaos::manifest
