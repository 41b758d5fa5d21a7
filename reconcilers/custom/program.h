// One run of a user's program: no shell, an environment of its own, bounded in time and output.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/time.h"

namespace chaos::custom {

struct Request {
    std::vector<std::string> argv;         // the program by its absolute path
    std::vector<std::string> environment;  // "NAME=value"; all that it gets
    std::string input;                     // on standard input
    Duration timeout{};
    std::shared_ptr<const std::atomic<bool>> given_up;  // true: end it now; may be null
};

struct Outcome {
    int exit_code = 0;
    std::string
        output;  // standard output and error together, the first kMaxOutput bytes, printable
    Duration took{};
};

inline constexpr std::size_t kMaxOutput = 2048;

// Waits for its end; the caller ignores SIGPIPE. After the timeout, or when it is given up, it is
// killed with all that it has started and that did not leave its process group; the program itself
// is killed too when the calling process dies. Errors: kInvalid (it cannot be started: not there,
// not executable), kUnavailable (no process, no pipe; not over in time; given up; ended by a
// signal).
[[nodiscard]] Result<Outcome> run_program(const Request& request);

}  // namespace chaos::custom
