// The real client against a scripted peer on a unix socket: what engines and proxies do on bad
// days.
#include "controller/docker/transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "controller/docker/client.h"
#include "test/support/catch.h"
#include "test/support/make.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::docker;
using namespace chaos::test;
namespace asio = boost::asio;
using asio::local::stream_protocol;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Answers each connection with the next script: pieces written one by one, then closed, or kept
// open.
class Peer {
public:
    struct Script {
        std::vector<std::string> pieces;
        bool keep_open = false;
    };

    Peer()
        : tasks_(io.get_executor(), [](std::string_view what) { FAIL(std::string{what}); }),
          acceptor_(io, stream_protocol::endpoint{path()}) {}

    [[nodiscard]] std::string path() const { return dir_ / "docker.sock"; }
    void answer(std::vector<std::string> pieces, bool keep_open = false) {
        scripts_.push_back({std::move(pieces), keep_open});
    }

    // Runs a task of the client to its end beside the peer.
    void run(Task<> client) {
        io.restart();
        tasks_.spawn(serve());
        TaskGroup clients{io.get_executor(),
                          [](std::string_view what) { FAIL(std::string{what}); }};
        clients.spawn(std::move(client));
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (clients.size() > 0 && std::chrono::steady_clock::now() < end) io.run_one_for(50ms);
        CHECK(clients.size() == 0);
        tasks_.cancel();
        io.run_for(100ms);
    }

    asio::io_context io;
    std::vector<std::string> requests;

private:
    Task<> serve() {
        for (auto& script : scripts_) {
            auto [ec, socket] = co_await acceptor_.async_accept(kTuple);
            if (ec) co_return;
            std::string request;
            auto buffer = asio::dynamic_buffer(request);
            co_await asio::async_read_until(socket, buffer, "\r\n\r\n", kTuple);
            requests.push_back(request.substr(0, request.find("\r\n")));
            for (const auto& piece : script.pieces) {
                co_await asio::async_write(socket, asio::buffer(piece), kTuple);
            }
            if (script.keep_open) kept_.push_back(std::move(socket));
        }
    }

    TempDir dir_;
    TaskGroup tasks_;
    stream_protocol::acceptor acceptor_;
    std::vector<Script> scripts_;
    std::vector<stream_protocol::socket> kept_;
};

std::string reply(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

Task<> call(const Transport& transport, Duration timeout, std::optional<Result<Reply>>& result) {
    result = co_await transport.call("GET", "/x", timeout);
}

Result<Reply> call_once(Peer& peer, Duration timeout = 5s) {
    const Transport transport{peer.path()};
    std::optional<Result<Reply>> result;
    peer.run(call(transport, timeout, result));
    REQUIRE(result);
    return *result;
}

}  // namespace

TEST_CASE("A reply in one piece, in many, and in chunks is the same reply") {
    using Pieces = std::vector<std::string>;
    const std::vector<Pieces> replies{
        Pieces{reply(200, "hello")},
        Pieces{"HTTP/1.1 200 O", "K\r\nContent-Le", "ngth: 5\r\n\r\nhe", "llo"},
        Pieces{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nhe\r\n",
               "3\r\nllo\r\n0\r\n\r\n"},
        Pieces{"HTTP/1.1 200 OK\r\n\r\nhello"},
    };
    for (const auto& pieces : replies) {
        Peer peer;
        peer.answer(pieces);
        const auto result = call_once(peer);
        REQUIRE(result);
        CHECK(result->status == 200);
        CHECK(result->body == "hello");
    }
}

TEST_CASE("A peer that misbehaves is an error of the right kind") {
    struct Case {
        std::string bytes;
        bool keep_open;
        ErrorCode expected;
    };
    const std::vector<Case> cases{
        {"", false, ErrorCode::kUnavailable},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", false, ErrorCode::kUnavailable},
        {"HTTP/1.1 200 OK\r\nContent-Len", false, ErrorCode::kUnavailable},
        {"garbage garbage\r\n\r\n", false, ErrorCode::kInternal},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", true, ErrorCode::kInternal},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", true, ErrorCode::kUnavailable},
        {"", true, ErrorCode::kUnavailable},
    };
    for (const auto& c : cases) {
        Peer peer;
        peer.answer({c.bytes}, c.keep_open);
        const auto result = call_once(peer, 200ms);
        REQUIRE_FALSE(result);
        INFO(c.bytes << " -> " << result.error().context);
        CHECK(result.error().code == c.expected);
    }
}

TEST_CASE("A socket that is not there is unavailable, an impossible path is invalid") {
    Peer peer;
    std::optional<Result<Reply>> result;
    const Transport missing{"/nonexistent/docker.sock"};
    peer.run(call(missing, 1s, result));
    REQUIRE(result);
    CHECK(result->error().code == ErrorCode::kUnavailable);
    const Transport longer{"/" + std::string(200, 'x')};
    peer.run(call(longer, 1s, result));
    CHECK(result->error().code == ErrorCode::kInvalid);
}

namespace {

Task<> follow(const Transport& transport, std::vector<std::string>& lines, Result<>& result) {
    std::function<void()> on_open = [&lines] { lines.emplace_back("open"); };
    std::function<void(std::string_view)> on_line = [&lines](std::string_view line) {
        lines.emplace_back(line);
    };
    result = co_await transport.stream("/events", std::move(on_open), std::move(on_line));
}

}  // namespace

TEST_CASE("A stream gives whole lines, however they are cut") {
    Peer peer;
    peer.answer({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\none\n\r\n",
                 "2\r\ntw\r\n", "5\r\no\nthr\r\n", "3\r\nee\n\r\n0\r\n\r\n"});
    const Transport transport{peer.path()};
    std::vector<std::string> lines;
    Result<> result;
    peer.run(follow(transport, lines, result));
    CHECK(result);
    CHECK(lines == std::vector<std::string>{"open", "one", "two", "three"});
}

TEST_CASE("A stream that breaks says so") {
    Peer peer;
    peer.answer({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n5\r\nab"});
    const Transport transport{peer.path()};
    std::vector<std::string> lines;
    Result<> result;
    peer.run(follow(transport, lines, result));
    CHECK_FALSE(result);
    CHECK(lines.back() == "one");
}

namespace {

Task<> pause(Client& client, std::optional<Result<Outcome>>& result) {
    (void)co_await client.negotiate();
    result = co_await client.pause("abc");
}

}  // namespace

TEST_CASE("Docker's status codes become what they mean") {
    const auto [status, body, code] = GENERATE(table<int, std::string, ErrorCode>({
        {404, R"({"message":"No such container: abc"})", ErrorCode::kNotFound},
        {409, R"({"message":"Container abc is already paused"})", ErrorCode::kConflict},
        {500, "oops", ErrorCode::kUnavailable},
        {403, "{}", ErrorCode::kPermission},
    }));
    Peer peer;
    peer.answer({reply(200, R"({"Version":"20.10","ApiVersion":"1.41","MinAPIVersion":"1.12"})")});
    peer.answer({reply(status, body)});
    Client client{peer.path()};
    std::optional<Result<Outcome>> result;
    peer.run(pause(client, result));
    REQUIRE(result);
    REQUIRE_FALSE(*result);
    CHECK(result->error().code == code);
    CHECK_THAT(result->error().context, Catch::Contains("docker pause: "));
    CHECK(peer.requests.at(1) == "POST /v1.41/containers/abc/pause HTTP/1.1");
}

TEST_CASE("Only unix sockets are Docker hosts") {
    CHECK(socket_path("unix:///run/d.sock").value() == "/run/d.sock");
    CHECK(socket_path("/run/d.sock").value() == "/run/d.sock");
    CHECK_FALSE(socket_path("tcp://localhost:2375"));
    CHECK_FALSE(socket_path(""));
}
