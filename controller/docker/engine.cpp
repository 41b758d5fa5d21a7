#include "controller/docker/engine.h"

#include "controller/api/clock.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace chaos::docker {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds{100};
constexpr Duration kLastRetry = std::chrono::seconds{5};
constexpr Duration kRelist = std::chrono::minutes{1};
constexpr Duration kRestartGrace = std::chrono::seconds{10};  // as `docker restart`

}  // namespace

Task<> Engine::run() {
    Duration retry = kFirstRetry;
    bool reported = false;
    for (;;) {
        const auto result = co_await follow();
        const auto cancelled = co_await boost::asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != boost::asio::cancellation_type::none) co_return;
        if (synced_ || !reported) {
            synced_ = false;
            reported = true;
            retry = kFirstRetry;
            hooks_.on_disconnected(result ? "the event stream ended" : result.error().context);
            hooks_.on_change();
        }
        if (!co_await sleep_for(retry)) co_return;
        retry = std::min(retry * 2, kLastRetry);
    }
}

Task<Result<>> Engine::follow() {
    using namespace boost::asio::experimental::awaitable_operators;
    const auto version = co_await client_.negotiate();
    if (!version) co_return std::unexpected(version.error());
    // Events first, then the list: nothing can happen unseen in between.
    auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer opened{executor, boost::asio::steady_timer::time_point::max()};
    auto stream = client_.events([&opened] { opened.cancel(); },
                                 [this](Event event) {
                                     if (cache_.apply(event) && synced_) hooks_.on_change();
                                 });
    auto list_when_open = [](Engine* self, boost::asio::steady_timer* open,
                             std::string engine) -> Task<Result<>> {
        co_await open->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        auto listed = co_await self->relist();
        if (!listed) co_return listed;
        self->synced_ = true;
        self->hooks_.on_connected(std::move(engine));
        self->hooks_.on_change();
        co_await self->relist_periodically();
        co_return Result<>{};
    };
    // Whichever ends first cancels the other: a broken stream, or a list that fails.
    auto ended = co_await (std::move(stream) || list_when_open(this, &opened, version->engine));
    co_return std::visit([](auto& result) { return std::move(result); }, ended);
}

Task<Result<>> Engine::relist() {
    const auto as_of = wall_now();
    auto containers = co_await client_.list();
    if (!containers) co_return std::unexpected(containers.error());
    cache_.replace(std::move(*containers), as_of);
    co_return Result<>{};
}

Task<> Engine::relist_periodically() {
    while (co_await sleep_for(kRelist)) {
        if (const auto listed = co_await relist(); !listed) co_return;
        hooks_.on_change();
    }
}

Task<> Engine::ensure_details(std::string name) {
    const auto* container = cache_.find_name(name);
    if (container == nullptr || container->incarnation || !container->running()) co_return;
    // The result is in the cache; a failure shows as an unknown life, which nothing acts on.
    static_cast<void>(co_await refresh(container->id));
}

Task<Result<bool>> Engine::start(std::string name) {
    const auto* known = cache_.find_name(name);
    if (known == nullptr) co_return fail(ErrorCode::kNotFound, name + ": no such container");
    const auto id = known->id;
    if (known->running() && known->health == Health::kUnhealthy) {
        const auto restarted = co_await client_.restart(id, kRestartGrace);
        if (!restarted) co_return wrap(name, restarted.error());
        const auto after = co_await refresh(id);
        if (!after) co_return wrap(name, after.error());
        co_return true;
    }
    const auto started = co_await start_if_down(id);
    if (!started) co_return wrap(name, started.error());
    co_return *started;
}

Task<Result<bool>> Engine::start_if_down(std::string id) {
    const auto before = co_await refresh(id);
    if (!before) co_return std::unexpected(before.error());
    if (before->running() || before->state == ContainerState::kRestarting) co_return false;
    const auto started = co_await client_.start(id);
    if (!started) co_return std::unexpected(started.error());
    const auto after = co_await refresh(id);
    if (!after) co_return std::unexpected(after.error());
    co_return true;
}

Task<Result<Container>> Engine::refresh(std::string id) {
    const auto as_of = wall_now();
    auto container = co_await client_.inspect(id);
    if (container) {
        cache_.update(*container, as_of);
    } else if (container.error().code == ErrorCode::kNotFound) {
        cache_.erase(id);
    }
    co_return container;
}

}  // namespace chaos::docker
