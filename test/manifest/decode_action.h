// One action as it stands in a manifest.
#pragma once

#include "controller/manifest/decode.h"
#include "test/support/catch.h"

namespace chaos::test {

inline std::vector<manifest::Document> decode_action(const std::string& type,
                                                     const std::string& parameters) {
    return manifest::decode(
        "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata: {name: n}\n"
        "spec:\n  duration: 5m\n  targets: [{service: web}]\n  scenarios:\n"
        "    - {name: s, actions: [{type: " +
        type + ", parameters: {" + parameters + "}}]}\n");
}

// The fault that it asks for; a failed test where it is not valid.
template <class Fault>
Fault decode_fault_of(const std::string& type, const std::string& parameters) {
    const auto documents = decode_action(type, parameters);
    for (const auto& problem : documents.at(0).problems) UNSCOPED_INFO(render("f", problem));
    REQUIRE(documents[0].experiment);
    return std::get<Fault>(documents[0].experiment->spec.scenarios[0].actions[0].fault);
}

}  // namespace chaos::test
