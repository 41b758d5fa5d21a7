// Which containers a target entry means.
#pragma once

#include "controller/api/container.h"
#include "controller/api/experiment.h"

namespace chaos::run {

// `service: X`: the Compose service or the container name, exact or glob.
[[nodiscard]] bool matches_service(const std::string& pattern, const Container& container);

// All given criteria hold. An empty selector matches nothing: it must not widen to every container.
[[nodiscard]] bool matches(const Selector& selector, const Container& container);

// Any one of the criteria holds: what leaves a container out must not depend on the others.
[[nodiscard]] bool excluded(const Selector& exclude, const Container& container);

// service and selector of the entry (AND where both are given), less its `exclude`.
[[nodiscard]] bool matches(const Target& target, const Container& container);

}  // namespace chaos::run
