#include "controller/ctl/population.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "controller/docker/cache.h"
#include "controller/docker/client.h"

namespace chaos::ctl {
namespace {

Task<> ask(docker::Client& client, Result<std::vector<Container>>& answer) {
    const auto version = co_await client.negotiate();
    if (!version) {
        answer = std::unexpected(version.error());
        co_return;
    }
    answer = co_await client.list();
}

}  // namespace

Result<std::vector<Container>> list_containers(const std::string& docker_host) {
    auto path = docker::socket_path(docker_host);
    if (!path) return std::unexpected(path.error());
    boost::asio::io_context io{1};
    docker::Client client{std::move(*path)};
    Result<std::vector<Container>> answer;
    // The one task of this loop: run() returns when it has ended.
    boost::asio::co_spawn(io, ask(client, answer), boost::asio::detached);
    io.run();
    if (!answer) return answer;
    docker::Cache cache;
    cache.replace(std::move(*answer), TimePoint{});
    return cache.containers();
}

}  // namespace chaos::ctl
