#include "controller/http/client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

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

Task<Result<>> open(beast::tcp_stream& stream, const std::string& host, const std::string& port) {
    tcp::resolver resolver{co_await asio::this_coro::executor};
    auto [unknown, endpoints] = co_await resolver.async_resolve(host, port, kTuple);
    if (unknown) co_return std::unexpected(to_error(host, unknown));
    auto [refused, endpoint] = co_await stream.async_connect(endpoints, kTuple);
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
    stream.expires_after(timeout);
    if (auto opened = co_await open(stream, url.host, url.port); !opened) {
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
    auto [unread, in] = co_await http::async_read(stream, buffer, parser, kTuple);
    if (unread) co_return std::unexpected(to_error(url.host, unread));
    co_return Reply{parser.get().result_int(), std::move(parser.get().body())};
}

Task<Result<>> connect(std::string host, std::string port, Duration timeout) {
    beast::tcp_stream stream{co_await asio::this_coro::executor};
    stream.expires_after(timeout);
    co_return co_await open(stream, host, port);
}

}  // namespace chaos::http
