// Blocking work beside the loop: SQLite's and the status files' fsyncs.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>

#include "controller/asio/task_group.h"

namespace chaos::runtime {

// One thread, first come first served. The destructor waits for what is queued.
class Worker {
public:
    Worker() : pool_(1) {}

    // Runs `work` on the thread; the caller goes on, on its own executor, when it is done.
    template <class Work>
    [[nodiscard]] Task<std::invoke_result_t<Work>> run(Work work) {
        using T = std::invoke_result_t<Work>;
        // The work is a parameter, not a capture: it must live in the coroutine's frame.
        auto on_thread = [](Work inner) -> Task<T> { co_return inner(); };
        boost::asio::any_io_executor executor = pool_.get_executor();
        co_return co_await boost::asio::co_spawn(executor, on_thread(std::move(work)),
                                                 boost::asio::use_awaitable);
    }

private:
    boost::asio::thread_pool pool_;
};

}  // namespace chaos::runtime
