// A small HTTP/1.1 server for read-only pages: GET and HEAD, one handler, keep-alive, bounded in
// connections and time.
#pragma once

#include <functional>
#include <string>

#include "controller/api/error.h"
#include "controller/asio/task_group.h"

namespace chaos::telemetry {

struct Response {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

class HttpServer {
public:
    using Handler = std::function<Response(std::string_view path)>;

    HttpServer(TaskGroup& tasks, Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    // "127.0.0.1:8200", "[::1]:8200"; port 0 takes a free one. Errors: kInvalid (not an address and
    // port), kUnavailable (in use), kPermission.
    [[nodiscard]] Result<> listen(boost::asio::any_io_executor executor,
                                  const std::string& address);
    // Where it listens: "127.0.0.1:8200".
    [[nodiscard]] std::string address() const;
    // Accepts until cancelled.
    [[nodiscard]] Task<> run();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace chaos::telemetry
