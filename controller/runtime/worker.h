// Blocking work beside the loop: SQLite's and the status files' fsyncs, visits to namespaces.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>

#include "controller/asio/task_group.h"

namespace chaos::runtime {

// First come first served, by one thread unless said otherwise. The destructor waits for what is
// queued.
class Worker {
public:
    explicit Worker(std::size_t threads = 1) : pool_(threads) {}

    // Must not be awaited by a task that may be cancelled: the cancellation would be given to the
    // other thread from this one. Runs `work` on a thread; the caller goes on, on its own executor,
    // when it is done.
    template <class Work>
    [[nodiscard]] Task<std::invoke_result_t<Work>> run(Work work) {
        using T = std::invoke_result_t<Work>;
        // The work is a parameter, not a capture: it must live in the coroutine's frame.
        auto on_thread = [](Work inner) -> Task<T> { co_return inner(); };
        boost::asio::any_io_executor executor = pool_.get_executor();
        co_return co_await boost::asio::co_spawn(executor, on_thread(std::move(work)),
                                                 boost::asio::use_awaitable);
    }

    // Runs `work` on a thread; nobody waits for it.
    template <class Work>
    void post(Work work) {
        boost::asio::post(pool_, std::move(work));
    }

private:
    boost::asio::thread_pool pool_;
};

}  // namespace chaos::runtime
