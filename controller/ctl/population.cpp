#include "controller/ctl/population.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "controller/docker/cache.h"
#include "controller/docker/client.h"

namespace chaos::ctl {
namespace {

template <class T>
using Question = std::function<Task<Result<T>>(docker::Client&)>;

template <class T>
Task<> ask(docker::Client& client, const Question<T>& question, Result<T>& answer) {
    const auto version = co_await client.negotiate();
    if (!version) {
        answer = std::unexpected(version.error());
        co_return;
    }
    answer = co_await question(client);
}

template <class T>
Result<T> answer_of(const std::string& docker_host, const Question<T>& question) {
    auto path = docker::socket_path(docker_host);
    if (!path) return std::unexpected(path.error());
    boost::asio::io_context io{1};
    docker::Client client{std::move(*path)};
    Result<T> answer;
    // The one task of this loop: run() returns when it has ended.
    boost::asio::co_spawn(io, ask<T>(client, question, answer), boost::asio::detached);
    io.run();
    return answer;
}

}  // namespace

Result<std::vector<Container>> list_containers(const std::string& docker_host) {
    const Question<std::vector<Container>> list = [](docker::Client& client) {
        return client.list();
    };
    auto answer = answer_of(docker_host, list);
    if (!answer) return answer;
    docker::Cache cache;
    cache.replace(std::move(*answer), TimePoint{});
    return cache.containers();
}

Result<Container> inspect_container(const std::string& docker_host, std::string id) {
    const Question<Container> inspect = [&](docker::Client& client) { return client.inspect(id); };
    return answer_of(docker_host, inspect);
}

}  // namespace chaos::ctl
