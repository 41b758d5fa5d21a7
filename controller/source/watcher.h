// inotify over a directory tree, as hints to look again.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/api/error.h"
#include "controller/asio/task_group.h"

namespace chaos::source {

class Watcher {
public:
    // Errors: kUnavailable (no inotify instance left: the rescan alone must do).
    [[nodiscard]] static Result<Watcher> create(boost::asio::any_io_executor executor);

    // Watches these directories (resolved paths), and the parent of `root`, where a swap of the
    // tree shows. True: some were not watched before, so what happened in them until now may be
    // unseen and must be looked at again. Errors: kUnavailable (the limit
    // fs.inotify.max_user_watches), naming the directory.
    [[nodiscard]] Result<bool> watch(const std::string& root,
                                     const std::vector<std::string>& directories);

    struct Hints {
        bool look = false;             // something relevant happened
        std::set<std::string> closed;  // resolved paths closed after writing or moved into place
    };

    // Waits for events until the deadline and returns all that are there. An overflow is a hint to
    // look like any other. Returns early with nothing when cancelled.
    [[nodiscard]] Task<Hints> wait(std::chrono::steady_clock::time_point deadline);

private:
    explicit Watcher(boost::asio::posix::stream_descriptor descriptor)
        : descriptor_(std::move(descriptor)) {}

    void read_events(Hints& hints);
    void take(int descriptor, unsigned mask, const std::string& name, Hints& hints);

    boost::asio::posix::stream_descriptor descriptor_;
    std::unordered_map<int, std::string> directories_;  // by watch descriptor
    std::string parent_;
    std::string root_name_;
};

}  // namespace chaos::source
