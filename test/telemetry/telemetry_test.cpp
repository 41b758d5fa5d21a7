#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "controller/telemetry/http_server.h"
#include "controller/telemetry/log.h"
#include "controller/telemetry/metrics.h"
#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::telemetry;
using namespace chaos::test;
namespace asio = boost::asio;

namespace {

// Sends bytes and reads until the server closes.
std::string exchange(const std::string& address, const std::string& bytes) {
    asio::io_context io;
    asio::ip::tcp::socket socket{io};
    const auto port =
        static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
    socket.connect({asio::ip::address_v4::loopback(), port});
    asio::write(socket, asio::buffer(bytes));
    std::string answer;
    boost::system::error_code ec;
    asio::read(socket, asio::dynamic_buffer(answer), ec);
    return answer;
}

class Server {
public:
    Server()
        : tasks_(io_.get_executor(), [](std::string_view) {}),
          server_(tasks_, [](Request request) -> Task<Response> {
              const auto& path = request.path;
              if (request.method != "GET") co_return Response{405, "text/plain", "no"};
              co_return Response{path == "/ok" ? 200U : 404U, "text/plain", "body of " + path};
          }) {
        REQUIRE(server_.listen(io_.get_executor(), "127.0.0.1:0"));
        tasks_.spawn(server_.run());
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~Server() {
        asio::post(io_, [this] { tasks_.cancel(); });
        thread_.join();
    }
    [[nodiscard]] std::string ask(const std::string& bytes) const {
        return exchange(server_.address(), bytes);
    }

private:
    asio::io_context io_{1};
    TaskGroup tasks_;
    HttpServer server_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("The server answers GET and HEAD, and nothing else") {
    const Server server;
    const auto [request, status, body] = GENERATE(table<std::string, std::string, std::string>({
        {"GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200", "body of /ok"},
        {"GET /ok?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200", "body of /ok"},
        {"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404", "body of /nope"},
        {"HEAD /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200", ""},
        {"POST /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405", "no"},
        {"DELETE /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405", "no"},
    }));
    const auto answer = server.ask(request);
    INFO(answer);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 " + status));
    CHECK(answer.substr(answer.find("\r\n\r\n") + 4) == body);
}

TEST_CASE("Garbage and giants end the connection, not the server") {
    const Server server;
    CHECK(server.ask("garbage\r\n\r\n").empty());
    CHECK(server.ask("GET /" + std::string(20000, 'a') + " HTTP/1.1\r\n\r\n").empty());
    CHECK_THAT(server.ask("GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n"),
               Catch::StartsWith("HTTP/1.1 200"));
}

TEST_CASE("An address that is none, and one that is taken, are clear errors") {
    asio::io_context io;
    TaskGroup tasks{io.get_executor(), [](std::string_view) {}};
    for (const auto* text :
         {"", "8200", "127.0.0.1", "host:8200", "127.0.0.1:99999", "127.0.0.1:x"}) {
        HttpServer server{tasks, {}};
        const auto listening = server.listen(io.get_executor(), text);
        INFO(text);
        REQUIRE_FALSE(listening);
        CHECK(listening.error().code == ErrorCode::kInvalid);
    }
    HttpServer first{tasks, {}};
    REQUIRE(first.listen(io.get_executor(), "127.0.0.1:0"));
    HttpServer second{tasks, {}};
    CHECK(second.listen(io.get_executor(), first.address()).error().code ==
          ErrorCode::kUnavailable);
}

TEST_CASE("Every series is there from the start") {
    const Metrics metrics;
    const auto text = metrics.text();
    for (const auto* line :
         {"chaos_experiments_total{verdict=\"Pass\"} 0", "chaos_experiments_active 0",
          "chaos_experiments_success_total 0", "chaos_reconcile_total{result=\"error\"} 0",
          "chaos_recovery_time_seconds_count 0", "chaos_manifest_errors 0"}) {
        CHECK_THAT(text, Catch::Contains(line));
    }
}

TEST_CASE("Metrics count what they are told") {
    Metrics metrics;
    metrics.run_finished(Verdict::kFail, 3s);
    metrics.target_hit("web");
    metrics.target_recovered(1500ms);
    const auto text = metrics.text();
    CHECK_THAT(text, Catch::Contains("chaos_experiments_total{verdict=\"Fail\"} 1") &&
                         Catch::Contains("chaos_target_hits_total{service=\"web\"} 1") &&
                         Catch::Contains("chaos_recovery_time_seconds_sum 1.5") &&
                         Catch::Contains("chaos_experiments_success_total 0"));
}

TEST_CASE("Log levels are read in any case") {
    CHECK(log::parse_level("DEBUG") == log::Level::kDebug);
    CHECK(log::parse_level("Warn") == log::Level::kWarning);
    CHECK_FALSE(log::parse_level("loud"));
}
