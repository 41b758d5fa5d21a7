#include "controller/asio/task_group.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>

namespace chaos {

namespace asio = boost::asio;

struct TaskGroup::State {
    State(asio::any_io_executor ex, BugHandler handler)
        : executor(ex), on_bug(std::move(handler)), idle(ex) {}

    asio::any_io_executor executor;
    BugHandler on_bug;
    std::list<asio::cancellation_signal> signals;  // one a task; a list keeps addresses
    asio::steady_timer idle;                       // cancelled whenever a task ends
};

TaskGroup::TaskGroup(asio::any_io_executor executor, BugHandler on_bug)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_bug))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(Task<> task) {
    auto& signal = state_->signals.emplace_back();
    const auto place = std::prev(state_->signals.end());
    auto done = [state = state_, place](const std::exception_ptr& error) {
        state->signals.erase(place);
        state->idle.cancel();
        if (!error) return;
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& e) {
            // What an await throws after cancellation: an orderly end.
            if (e.code() != asio::error::operation_aborted) state->on_bug(e.what());
        } catch (const std::exception& e) {
            state->on_bug(e.what());
        }
    };
    asio::co_spawn(state_->executor, std::move(task),
                   asio::bind_cancellation_slot(signal.slot(), std::move(done)));
}

void TaskGroup::cancel() {
    // Emitting may end a task at once and erase its signal: step first, emit then.
    for (auto it = state_->signals.begin(); it != state_->signals.end();) {
        auto& signal = *it++;
        signal.emit(asio::cancellation_type::terminal);
    }
}

Task<> TaskGroup::join() {
    const auto state = state_;
    while (!state->signals.empty()) {
        state->idle.expires_at(asio::steady_timer::time_point::max());
        co_await state->idle.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

std::size_t TaskGroup::size() const { return state_->signals.size(); }

Task<bool> sleep_for(std::chrono::nanoseconds duration) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    timer.expires_after(duration);
    auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !ec;
}

}  // namespace chaos
