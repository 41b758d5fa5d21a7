#include "controller/app/gate_watch.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/http/client.h"
#include "controller/safety/incidents.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

namespace asio = boost::asio;

constexpr Duration kLook = std::chrono::seconds{1};
constexpr Duration kFirstLook = std::chrono::milliseconds{100};
constexpr Duration kIdleLook = std::chrono::seconds{5};
constexpr Duration kAlertmanagerTimeout = std::chrono::seconds{3};

}  // namespace

void GateWatch::sooner() {
    soon_ = true;
    const auto later = asio::steady_timer::clock_type::now() + kLook;
    if (timer_.expiry() > later) timer_.cancel();
    if (asking_.expiry() > later) asking_.cancel();
}

void GateWatch::at_once() {
    timer_.cancel();
    asking_.cancel();
}

void GateWatch::stop() {
    stopping_ = true;
    at_once();
}

Duration GateWatch::idle() const {
    const Duration wanted = gatekeeper_.config().global.health_check_interval;
    return std::clamp<Duration>(wanted, kLook, kIdleLook);
}

Task<> GateWatch::run() {
    while (!stopping_) {
        Duration pause = kLook;
        try {
            soon_ = controller_.watch_gates();
            // The first figures of the host need a moment, for which nobody should wait long.
            const bool blind = !gatekeeper_.readings().host;
            pause = blind ? kFirstLook : soon_ ? kLook : idle();
        } catch (const std::exception& bug) {
            // Gates that nobody looks at any more would stay as they are.
            log::error("looking at the gates: this is a bug", {{"what", bug.what()}});
        }
        timer_.expires_after(pause);
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

Task<> GateWatch::follow_incidents() {
    while (!stopping_) {
        co_await ask_alertmanager();
        asking_.expires_after(soon_ ? kLook : idle());
        co_await asking_.async_wait(asio::as_tuple(asio::use_awaitable));
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
    // Of one that the configuration does not name any more nothing counts.
    if (gatekeeper_.config().safety.incidents != incidents) co_return;
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
