// Structured concurrency on one io_context: whoever starts a task awaits it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string_view>

namespace chaos {

template <class T = void>
using Task = boost::asio::awaitable<T, boost::asio::any_io_executor>;

// Spawns tasks, counts them, cancels and joins them. One thread. An exception that escapes a task
// is a bug: it is reported through `on_bug` and the task counts as ended.
class TaskGroup {
public:
    using BugHandler = std::function<void(std::string_view what)>;

    TaskGroup(boost::asio::any_io_executor executor, BugHandler on_bug);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    void spawn(Task<> task);
    // Asks every running task to end (terminal cancellation); tasks spawned later are not affected.
    void cancel();
    // Returns when no task is left. Must not be awaited by a task of the group.
    [[nodiscard]] Task<> join();
    [[nodiscard]] std::size_t size() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

// Waits; returns false where it was cancelled.
[[nodiscard]] Task<bool> sleep_for(std::chrono::nanoseconds duration);

}  // namespace chaos
