#include "controller/runtime/hosts.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/clock.h"

namespace chaos::runtime {
namespace {

namespace asio = boost::asio;

constexpr Duration kInterval = std::chrono::seconds{15};
constexpr Duration kLately = std::chrono::minutes{5};

// A run in force asks at every look at it.
constexpr Duration kUnwanted = std::chrono::seconds{30};

using Resolver = asio::ip::tcp::resolver;

}  // namespace

Task<> Hosts::resolve(std::string name) {
    Resolver resolver{co_await asio::this_coro::executor};
    const auto [ec, results] =
        co_await resolver.async_resolve(name, "", asio::as_tuple(asio::use_awaitable));
    auto& known = known_[name];
    if (ec) {
        if (std::exchange(known.failure, ec.message()) != ec.message()) {
            hooks_.on_failure(name, ec.message());
        }
        co_return;
    }
    known.failure.clear();
    const auto now = boot_now();
    for (const auto& entry : results) {
        known.seen[entry.endpoint().address().to_string()] = now;
    }
    std::erase_if(known.seen, [&](const auto& s) { return s.second < now - kLately; });
    std::vector<std::string> addresses;
    for (const auto& [address, seen] : known.seen) addresses.push_back(address);
    auto& last = addresses_[name];
    if (last == addresses) co_return;
    last = std::move(addresses);
    hooks_.on_change();
}

void Hosts::want(const std::string& name) {
    auto& known = known_[name];
    const bool fresh = known.asked_for == TimePoint{};
    known.asked_for = boot_now();
    if (fresh) tasks_.spawn(resolve(name));
}

Task<> Hosts::run() {
    while (co_await sleep_for(kInterval)) {
        std::vector<std::string> names;
        for (const auto& [name, known] : known_) names.push_back(name);
        for (const auto& name : names) {
            if (known_[name].asked_for < boot_now() - kUnwanted) {
                known_.erase(name);
                addresses_.erase(name);
                continue;
            }
            co_await resolve(name);
        }
    }
}

}  // namespace chaos::runtime
