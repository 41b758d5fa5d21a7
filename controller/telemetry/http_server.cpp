#include "controller/telemetry/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

namespace chaos::telemetry {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxConnections = 64;
constexpr auto kIdle = std::chrono::seconds{30};

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    unsigned short port = 0;
    const char* end = text.data() + text.size();
    const char* begin = colon == std::string::npos ? end : text.data() + colon + 1;
    const auto [stop, parsed] = std::from_chars(begin, end, port);
    if (ec || begin == end || parsed != std::errc{} || stop != end) {
        return fail(ErrorCode::kInvalid, "listen: found \"" + text +
                                             "\", expected an address and a port such as "
                                             "127.0.0.1:8200");
    }
    return tcp::endpoint{address, port};
}

}  // namespace

struct HttpServer::Impl {
    Impl(TaskGroup& group, Handler h) : tasks(group), handler(std::move(h)) {}

    http::response<http::string_body> answer(const http::request<http::empty_body>& request) const {
        Response response{405, "text/plain; charset=utf-8", "only GET and HEAD\n"};
        const bool head = request.method() == http::verb::head;
        if (head || request.method() == http::verb::get) {
            const std::string_view target{request.target().data(), request.target().size()};
            response = handler(target.substr(0, target.find('?')));
        }
        http::response<http::string_body> out{static_cast<http::status>(response.status),
                                              request.version()};
        out.set(http::field::content_type, response.content_type);
        out.set("X-Content-Type-Options", "nosniff");
        out.keep_alive(request.keep_alive());
        const auto size = response.body.size();
        if (!head) out.body() = std::move(response.body);
        out.prepare_payload();
        if (head) out.content_length(size);
        return out;
    }

    Task<> serve(tcp::socket socket) {
        beast::tcp_stream stream{std::move(socket)};
        beast::flat_buffer buffer{8192};
        for (;;) {
            stream.expires_after(kIdle);
            http::request_parser<http::empty_body> parser;
            auto [read, read_bytes] = co_await http::async_read(stream, buffer, parser, kTuple);
            if (read) co_return;
            auto response = answer(parser.get());
            const bool keep = response.keep_alive();
            auto [sent, bytes] = co_await http::async_write(stream, response, kTuple);
            if (sent || !keep) co_return;
        }
    }

    Task<> serve_counted(tcp::socket socket) {
        co_await serve(std::move(socket));
        --connections;
    }

    TaskGroup& tasks;
    Handler handler;
    std::optional<tcp::acceptor> acceptor;
    std::size_t connections = 0;
};

HttpServer::HttpServer(TaskGroup& tasks, Handler handler)
    : impl_(std::make_unique<Impl>(tasks, std::move(handler))) {}
HttpServer::~HttpServer() = default;

Result<> HttpServer::listen(asio::any_io_executor executor, const std::string& address) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint) return std::unexpected(endpoint.error());
    tcp::acceptor acceptor{executor};
    boost::system::error_code ec;
    acceptor.open(endpoint->protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(*endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
        const auto code = ec == boost::system::errc::permission_denied ? ErrorCode::kPermission
                                                                       : ErrorCode::kUnavailable;
        return fail(code, "listen on " + address + ": " + ec.message());
    }
    impl_->acceptor.emplace(std::move(acceptor));
    return {};
}

std::string HttpServer::address() const {
    boost::system::error_code ec;
    const auto endpoint = impl_->acceptor->local_endpoint(ec);
    const auto host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(endpoint.port());
}

Task<> HttpServer::run() {
    for (;;) {
        auto [ec, socket] = co_await impl_->acceptor->async_accept(kTuple);
        if (ec == asio::error::operation_aborted) co_return;
        if (ec) {
            // No file descriptors left: wait for some instead of spinning.
            if (!co_await sleep_for(std::chrono::milliseconds{100})) co_return;
            continue;
        }
        if (impl_->connections >= kMaxConnections) continue;  // closes it
        ++impl_->connections;
        impl_->tasks.spawn(impl_->serve_counted(std::move(socket)));
    }
}

}  // namespace chaos::telemetry
