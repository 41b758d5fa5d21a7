#include "controller/docker/transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace chaos::docker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Stream = beast::basic_stream<asio::local::stream_protocol>;
using boost::system::error_code;

constexpr std::size_t kMaxLine = 1024UL * 1024;
constexpr auto kConnectTimeout = std::chrono::seconds{5};

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Error to_error(std::string_view doing, const error_code& ec) {
    auto code = ErrorCode::kUnavailable;
    if (ec == boost::system::errc::permission_denied) code = ErrorCode::kPermission;
    if (ec.category() == http::make_error_code(http::error::bad_version).category() &&
        ec != http::error::end_of_stream && ec != http::error::partial_message) {
        code = ErrorCode::kInternal;
    }
    const auto what = ec == beast::error::timeout ? std::string{"timed out"} : ec.message();
    return {code, std::string{doing} + ": " + what};
}

Task<Result<>> send(Stream& stream, const std::string& path, const std::string& method,
                    const std::string& target, const std::string& body = {}) {
    stream.expires_after(kConnectTimeout);
    auto [connected] =
        co_await stream.async_connect(asio::local::stream_protocol::endpoint{path}, kTuple);
    if (connected) co_return std::unexpected(to_error("connect to " + path, connected));
    http::request<http::string_body> request{http::string_to_verb(method), target, 11};
    request.set(http::field::host, "docker");
    request.set(http::field::connection, "close");
    if (!body.empty()) {
        request.set(http::field::content_type, "application/json");
        request.body() = body;
    }
    if (request.method() == http::verb::post) request.content_length(body.size());
    auto [sent, bytes] = co_await http::async_write(stream, request, kTuple);
    if (sent) co_return std::unexpected(to_error("send", sent));
    co_return Result<>{};
}

// Docker's socket path is at most sun_path's 107 bytes; a longer one throws in Asio.
Result<> check_path(const std::string& path) {
    if (path.size() > 107) {
        return fail(ErrorCode::kInvalid, "socket path longer than 107 bytes: " + path);
    }
    return {};
}

// Cuts complete lines off the front of the buffer; an endless line is dropped whole.
void take_lines(std::string& buffer, const std::function<void(std::string_view)>& on_line) {
    std::size_t start = 0;
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', start)) {
        on_line(std::string_view{buffer}.substr(start, end - start));
        start = end + 1;
    }
    buffer.erase(0, start);
    if (buffer.size() > kMaxLine) buffer.clear();
}

}  // namespace

Task<Result<Reply>> Transport::call(std::string method, std::string target, Duration timeout,
                                    std::string body, std::uint64_t most) const {
    if (auto ok = check_path(path_); !ok) co_return std::unexpected(ok.error());
    Stream stream{co_await asio::this_coro::executor};
    if (auto sent = co_await send(stream, path_, method, target, body); !sent) {
        co_return std::unexpected(std::move(sent.error()));
    }
    stream.expires_after(timeout);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(most);
    auto [ec, bytes] = co_await http::async_read(stream, buffer, parser, kTuple);
    if (ec) co_return std::unexpected(to_error("reply", ec));
    co_return Reply{parser.get().result_int(), std::move(parser.get().body())};
}

Task<Result<>> Transport::stream(std::string target, std::function<void()> on_open,
                                 std::function<void(std::string_view)> on_line) const {
    if (auto ok = check_path(path_); !ok) co_return std::unexpected(ok.error());
    Stream stream{co_await asio::this_coro::executor};
    if (auto sent = co_await send(stream, path_, "GET", target); !sent) {
        co_return std::unexpected(std::move(sent.error()));
    }
    beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    stream.expires_after(kConnectTimeout);
    auto [opened, header_bytes] = co_await http::async_read_header(stream, buffer, parser, kTuple);
    if (opened) co_return std::unexpected(to_error("reply", opened));
    if (parser.get().result_int() != 200) {
        co_return fail(ErrorCode::kUnavailable,
                       "status " + std::to_string(parser.get().result_int()));
    }
    on_open();
    stream.expires_never();
    std::string lines;
    std::array<char, 16384> chunk{};
    while (!parser.is_done()) {
        parser.get().body().data = chunk.data();
        parser.get().body().size = chunk.size();
        auto [ec, bytes] = co_await http::async_read_some(stream, buffer, parser, kTuple);
        if (ec && ec != http::error::need_buffer) {
            co_return std::unexpected(to_error("stream", ec));
        }
        lines.append(chunk.data(), chunk.size() - parser.get().body().size);
        take_lines(lines, on_line);
    }
    co_return Result<>{};
}

}  // namespace chaos::docker
