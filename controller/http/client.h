// Small HTTP requests to services on this host and beside it.
#pragma once

#include <string>

#include "controller/api/error.h"
#include "controller/api/time.h"
#include "controller/asio/task_group.h"

namespace chaos::http {

struct Reply {
    unsigned status = 0;
    std::string body;
};

struct Url {
    std::string host;
    std::string port = "80";
    std::string path = "/";
};

// "http://host[:port][/path]". Errors: kInvalid.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

// One request, one connection; a body of at most 1 MiB. Errors: kUnavailable (nobody answers, or
// not within `timeout`), kInvalid (it is not HTTP).
[[nodiscard]] Task<Result<Reply>> call(std::string method, Url url, Duration timeout);

// Whether somebody accepts a connection. Errors: kUnavailable.
[[nodiscard]] Task<Result<>> connect(std::string host, std::string port, Duration timeout);

}  // namespace chaos::http
