// What a plan would make of a container's network: the qdiscs and the rules.
#pragma once

#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/run/timeline.h"

namespace chaos::ctl {

// One stretch of time in which the same network faults hold on a container.
struct NetworkPreview {
    std::string container;
    Duration begin{};
    Duration end{};
    std::string tree;    // in the words of tc(8) and nft(8)
    std::string remark;  // what may be otherwise; "" where nothing
};

[[nodiscard]] std::vector<NetworkPreview> preview_network(
    const std::string& docker_host, const std::vector<run::Interval>& intervals,
    const std::vector<Container>& population);

}  // namespace chaos::ctl
