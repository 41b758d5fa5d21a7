#include "controller/app/gate_watch.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/http/client.h"
#include "controller/safety/incidents.h"

namespace chaos::app {
namespace {

namespace asio = boost::asio;

constexpr Duration kLook = std::chrono::seconds{1};
constexpr Duration kFirstLook = std::chrono::milliseconds{100};
constexpr Duration kIdleLook = std::chrono::seconds{5};
constexpr Duration kAlertmanagerTimeout = std::chrono::seconds{3};

}  // namespace

void GateWatch::sooner() {
    if (timer_.expiry() > asio::steady_timer::clock_type::now() + kLook) timer_.cancel();
}

void GateWatch::stop() {
    stopping_ = true;
    timer_.cancel();
}

Task<> GateWatch::run() {
    while (!stopping_) {
        co_await ask_alertmanager();
        const bool soon = controller_.watch_gates();
        const Duration idle =
            std::min(gatekeeper_.config().global.health_check_interval, kIdleLook);
        // The first figures of the host need a moment, for which nobody should wait long.
        const bool blind = !gatekeeper_.readings().host;
        timer_.expires_after(blind ? kFirstLook : soon ? kLook : std::max(idle, kLook));
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

Task<> GateWatch::ask_alertmanager() {
    const auto incidents = gatekeeper_.config().safety.incidents;
    if (!incidents.alertmanager) co_return;
    auto url = http::parse_url(*incidents.alertmanager);
    if (!url) co_return;
    while (url->path.ends_with('/')) url->path.pop_back();
    url->path += safety::alerts_query(incidents.matchers);
    const auto reply = co_await http::call("GET", *url, kAlertmanagerTimeout);
    if (!reply) {
        gatekeeper_.note_alerts(std::unexpected(reply.error()));
    } else if (reply->status != 200) {
        gatekeeper_.note_alerts(
            fail(ErrorCode::kUnavailable, "answers with status " + std::to_string(reply->status)));
    } else {
        gatekeeper_.note_alerts(safety::parse_alerts(reply->body));
    }
}

}  // namespace chaos::app
