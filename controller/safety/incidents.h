// Ongoing incidents, from where the configuration says that they are to be found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/config.h"
#include "controller/api/error.h"

namespace chaos::safety {

// The first line of the file, if it is there and not empty. Errors: kUnavailable (it cannot be
// read; its directory is not there).
[[nodiscard]] Result<std::vector<std::string>> read_incident_file(const std::string& path);

// The request that asks an Alertmanager (API version 2) for what is active and neither silenced nor
// inhibited.
[[nodiscard]] std::string alerts_query(const std::vector<std::string>& matchers);

// Its answer: each alert's alertname and instance. Errors: kInvalid.
[[nodiscard]] Result<std::vector<std::string>> parse_alerts(std::string_view json);

}  // namespace chaos::safety
