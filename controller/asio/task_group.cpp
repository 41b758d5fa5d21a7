#include "controller/asio/task_group.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
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
    struct Running {
        asio::cancellation_signal signal;
        bool ended = false;
    };
    std::list<Running> tasks;  // a list keeps addresses
    std::size_t running = 0;
    asio::steady_timer idle;  // cancelled whenever a task ends
};

TaskGroup::TaskGroup(asio::any_io_executor executor, BugHandler on_bug)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_bug))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(Task<> task) {
    auto& task_state = state_->tasks.emplace_back();
    const auto place = std::prev(state_->tasks.end());
    ++state_->running;
    auto done = [state = state_, place](const std::exception_ptr& error) {
        place->ended = true;
        --state->running;
        state->idle.cancel();
        // Asio 1.81 delivers a cancellation that is emitted outside the loop by a posted handler
        // that points into the signal's slot: the signal must outlive what was posted before this.
        asio::post(state->executor, [state, place] { state->tasks.erase(place); });
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
                   asio::bind_cancellation_slot(task_state.signal.slot(), std::move(done)));
}

void TaskGroup::cancel() {
    for (auto& task : state_->tasks) {
        if (!task.ended) task.signal.emit(asio::cancellation_type::terminal);
    }
}

Task<> TaskGroup::join() {
    const auto state = state_;
    while (state->running > 0) {
        state->idle.expires_at(asio::steady_timer::time_point::max());
        co_await state->idle.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

std::size_t TaskGroup::size() const { return state_->running; }

Task<bool> sleep_for(std::chrono::nanoseconds duration) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    timer.expires_after(duration);
    auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return !ec;
}

}  // namespace chaos
