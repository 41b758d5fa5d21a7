#include "controller/http/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <vector>

namespace chaos::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kMaxBody = 1024UL * 1024;

Error to_error(const std::string& doing, const boost::system::error_code& ec) {
    const auto what = ec == beast::error::timeout ? std::string{"timed out"} : ec.message();
    return {ErrorCode::kUnavailable, doing + ": " + what};
}

using Endpoints = std::vector<tcp::endpoint>;

// What getaddrinfo is asked; it cannot be interrupted, so it may outlive whoever asked.
struct Resolving {
    explicit Resolving(const asio::any_io_executor& executor)
        : resolver(executor), done(executor) {}

    tcp::resolver resolver;
    asio::steady_timer done;
    std::optional<Result<Endpoints>> result;
};

Task<Result<Endpoints>> resolve(std::string host, std::string port, Duration timeout) {
    const auto executor = co_await asio::this_coro::executor;
    boost::system::error_code named;
    const auto address = asio::ip::make_address(host, named);
    unsigned short number = 0;
    const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool numeric = bad == std::errc{} && end == port.data() + port.size();
    // Without the resolver, whose one thread may be busy with a name server that does not answer.
    if (!named && numeric) co_return Endpoints{tcp::endpoint{address, number}};
    auto asked = std::make_shared<Resolving>(executor);
    asked->done.expires_after(timeout);
    asked->resolver.async_resolve(host, port, [asked, host](const auto& ec, const auto& found) {
        asked->result = ec ? Result<Endpoints>{std::unexpected(to_error(host, ec))}
                           : Result<Endpoints>{Endpoints{found.begin(), found.end()}};
        asked->done.cancel();
    });
    co_await asked->done.async_wait(kTuple);
    if (asked->result) co_return *asked->result;
    asked->resolver.cancel();  // one that is not begun yet need not be
    co_return fail(ErrorCode::kUnavailable, host + ": not resolved in time");
}

Task<Result<>> open(beast::tcp_stream& stream, const std::string& host, const std::string& port,
                    Duration timeout) {
    stream.expires_after(timeout);  // for all that follows
    const auto endpoints = co_await resolve(host, port, timeout);
    if (!endpoints) co_return std::unexpected(endpoints.error());
    auto [refused, endpoint] = co_await stream.async_connect(*endpoints, kTuple);
    if (refused) co_return std::unexpected(to_error(host + ":" + port, refused));
    co_return Result<>{};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) {
        return fail(ErrorCode::kInvalid, "found \"" + std::string{text} + "\", expected http://…");
    }
    auto rest = text.substr(kScheme.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    Url url;
    if (slash < rest.size()) url.path = rest.substr(slash);
    auto authority = rest.substr(0, slash);
    const auto bracket = authority.find(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) url.port = authority.substr(colon + 1);
    if (url.host.starts_with('[') && url.host.ends_with(']')) {
        url.host = url.host.substr(1, url.host.size() - 2);
    }
    if (url.host.empty() || url.port.empty()) {
        return fail(ErrorCode::kInvalid, "found \"" + std::string{text} + "\", expected a host");
    }
    return url;
}

Task<Result<Reply>> call(std::string method, Url url, Duration timeout) {
    namespace http = beast::http;
    beast::tcp_stream stream{co_await asio::this_coro::executor};
    if (auto opened = co_await open(stream, url.host, url.port, timeout); !opened) {
        co_return std::unexpected(std::move(opened.error()));
    }
    http::request<http::empty_body> request;
    request.method_string(method);
    request.target(url.path);
    request.version(11);
    const bool v6 = url.host.find(':') != std::string::npos;
    request.set(http::field::host, (v6 ? "[" + url.host + "]" : url.host) + ":" + url.port);
    request.set(http::field::user_agent, "chaos-controller");
    request.set(http::field::connection, "close");
    auto [unsent, out] = co_await http::async_write(stream, request, kTuple);
    if (unsent) co_return std::unexpected(to_error(url.host, unsent));
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    parser.skip(request.method() == http::verb::head);  // its Content-Length tells of no body
    auto [unread, in] = co_await http::async_read(stream, buffer, parser, kTuple);
    if (unread) co_return std::unexpected(to_error(url.host, unread));
    co_return Reply{parser.get().result_int(), std::move(parser.get().body())};
}

Task<Result<>> connect(std::string host, std::string port, Duration timeout) {
    beast::tcp_stream stream{co_await asio::this_coro::executor};
    co_return co_await open(stream, host, port, timeout);
}

}  // namespace chaos::http
