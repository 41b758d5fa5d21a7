// Looks at the gates while experiments run or wait, and asks Alertmanager for incidents.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "controller/runtime/controller.h"

namespace chaos::app {

class GateWatch {
public:
    GateWatch(const boost::asio::any_io_executor& executor, runtime::Controller& controller,
              runtime::Gatekeeper& gatekeeper)
        : controller_(controller), gatekeeper_(gatekeeper), timer_(executor), asking_(executor) {}

    // Every second while something runs or waits, else rarely; until stop().
    [[nodiscard]] Task<> run();
    // Asks Alertmanager beside it, so that one that does not answer keeps no gate from being looked
    // at; until stop().
    [[nodiscard]] Task<> follow_incidents();
    // Something runs or waits from now on.
    void sooner();
    // The configuration has changed.
    void at_once();
    void stop();

private:
    [[nodiscard]] Task<> ask_alertmanager();
    [[nodiscard]] Duration idle() const;

    runtime::Controller& controller_;
    runtime::Gatekeeper& gatekeeper_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer asking_;
    bool soon_ = false;  // something runs or waits
    bool stopping_ = false;
};

}  // namespace chaos::app
