#pragma once

#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/api/error.h"

namespace chaos::ctl {

// Docker's containers, asked for once, as the controller's cache holds them. Errors: as
// docker::Client.
[[nodiscard]] Result<std::vector<Container>> list_containers(const std::string& docker_host);

// One of them with what only inspect tells: its present life.
[[nodiscard]] Result<Container> inspect_container(const std::string& docker_host, std::string id);

}  // namespace chaos::ctl
