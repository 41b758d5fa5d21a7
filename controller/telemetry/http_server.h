// A small HTTP/1.1 server, on TCP or on a unix socket: requests without bodies, one handler,
// keep-alive, bounded in connections and time.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "controller/api/error.h"
#include "controller/asio/task_group.h"

namespace chaos::telemetry {

struct Request {
    std::string method;                        // GET (also for HEAD), POST, …
    std::string path;                          // "/metrics"
    std::map<std::string, std::string> query;  // not percent-decoded: names and numbers only
    std::string authorization;                 // the header of that name
};

struct Response {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

class HttpServer {
public:
    using Handler = std::function<Task<Response>(Request)>;

    HttpServer(TaskGroup& tasks, Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    // "127.0.0.1:8200", "[::1]:8200"; port 0 takes a free one. Errors: kInvalid (not an address and
    // port), kUnavailable (in use), kPermission.
    [[nodiscard]] Result<> listen(boost::asio::any_io_executor executor,
                                  const std::string& address);
    // A unix socket, made anew with mode 0660: who may connect is who owns it or is in its group.
    // Errors: kInvalid (path too long), kUnavailable, kPermission.
    [[nodiscard]] Result<> listen_unix(boost::asio::any_io_executor executor,
                                       const std::string& path);
    // Where it listens: "127.0.0.1:8200", or the path.
    [[nodiscard]] const std::string& address() const;
    // Accepts until cancelled.
    [[nodiscard]] Task<> run();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace chaos::telemetry
