// HTTP over Docker's unix socket: one connection a request, a deadline on each. Beast is used here
// and in telemetry/http_server.cpp only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "controller/api/error.h"
#include "controller/api/time.h"
#include "controller/asio/task_group.h"

namespace chaos::docker {

struct Reply {
    unsigned status = 0;
    std::string body;

    friend bool operator==(const Reply&, const Reply&) = default;
};

class Transport {
public:
    static constexpr std::uint64_t kMaxBody = 64UL * 1024 * 1024;

    explicit Transport(std::string socket_path) : path_(std::move(socket_path)) {}

    // One request and its whole reply. Errors: kUnavailable (no socket, refused, timeout, closed in
    // mid-reply), kPermission (EACCES), kInternal (not HTTP, or larger than `most`).
    // `body`: JSON, or nothing. `most`: how large the reply's body may be, in bytes.
    [[nodiscard]] Task<Result<Reply>> call(std::string method, std::string target, Duration timeout,
                                           std::string body = {},
                                           std::uint64_t most = kMaxBody) const;

    // A reply that does not end: `on_open` once the headers say 200, then `on_line` for every line.
    // Returns when the peer ends it (success) or it breaks (errors as above; the status and message
    // where it was not 200). No deadline after the headers.
    [[nodiscard]] Task<Result<>> stream(std::string target, std::function<void()> on_open,
                                        std::function<void(std::string_view)> on_line) const;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace chaos::docker
