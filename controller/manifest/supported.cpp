#include "controller/manifest/supported.h"

namespace chaos::manifest {
namespace {

constexpr std::string_view kNotSupported = " is not supported in this version";

void refuse(const Node& node, std::string path, std::string_view what,
            std::vector<Diagnostic>& problems) {
    problems.push_back(
        {node.mark, std::move(path), std::string{what} + std::string{kNotSupported}});
}

void check_spec(const Node& spec, std::vector<Diagnostic>& problems) {
    if (const Node* probes = spec.find("probes")) {
        for (std::size_t i = 0; i < probes->items.size(); ++i) {
            const auto type = probes->items[i].text_at("type");
            if (type != "prometheus" && type != "service") continue;
            refuse(*probes->items[i].find("type"), "spec.probes[" + std::to_string(i) + "].type",
                   "a probe of type " + type, problems);
        }
    }
    const Node* conditions = spec.at("safety", "stop_conditions");
    if (conditions == nullptr) return;
    for (std::size_t i = 0; i < conditions->items.size(); ++i) {
        const auto type = conditions->items[i].text_at("type");
        if (type != "prometheus") continue;
        refuse(*conditions->items[i].find("type"),
               "spec.safety.stop_conditions[" + std::to_string(i) + "].type",
               "a stop condition of type " + type, problems);
    }
}

}  // namespace

void check_supported(const Node& document, std::vector<Diagnostic>& problems) {
    const Node* spec = document.find("spec");
    if (spec != nullptr && spec->is_map()) check_spec(*spec, problems);
}

}  // namespace chaos::manifest
