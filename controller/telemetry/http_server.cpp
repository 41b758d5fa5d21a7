#include "controller/telemetry/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

namespace chaos::telemetry {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using asio::generic::stream_protocol;
using Socket = stream_protocol::socket;
using Acceptor = asio::basic_socket_acceptor<stream_protocol>;

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

Request to_request(const http::request<http::empty_body>& raw) {
    Request request;
    request.method = raw.method() == http::verb::head
                         ? "GET"
                         : std::string{raw.method_string().data(), raw.method_string().size()};
    const auto authorization = raw[http::field::authorization];
    request.authorization.assign(authorization.data(), authorization.size());
    std::string_view target{raw.target().data(), raw.target().size()};
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    auto query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto item = query.substr(0, end);
        const auto equals = std::min(item.find('='), item.size());
        request.query[std::string{item.substr(0, equals)}] =
            item.substr(std::min(equals + 1, item.size()));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return request;
}

Error to_error(const std::string& address, const boost::system::error_code& ec) {
    const auto code = ec == boost::system::errc::permission_denied ? ErrorCode::kPermission
                                                                   : ErrorCode::kUnavailable;
    return {code, "listen on " + address + ": " + ec.message()};
}

// Opens, binds and listens; the socket is then handed over as one of no particular protocol.
template <class Protocol>
Result<typename Protocol::acceptor> bind_to(const asio::any_io_executor& executor,
                                            const typename Protocol::endpoint& endpoint,
                                            const std::string& address) {
    typename Protocol::acceptor acceptor{executor};
    boost::system::error_code ec;
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return std::unexpected(to_error(address, ec));
    return acceptor;
}

template <class Owner>
Acceptor generalize(Owner owner, const asio::any_io_executor& executor, int family) {
    Acceptor acceptor{executor};
    acceptor.assign(stream_protocol{family, 0}, owner.release());
    return acceptor;
}

// Counts a connection for as long as it is served, however that ends.
class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

private:
    std::size_t& count_;
};

}  // namespace

struct HttpServer::Impl {
    Impl(TaskGroup& group, Handler h) : tasks(group), handler(std::move(h)) {}

    static http::response<http::string_body> to_reply(
        const http::request<http::empty_body>& request, Response response) {
        http::response<http::string_body> out{static_cast<http::status>(response.status),
                                              request.version()};
        out.set(http::field::content_type, response.content_type);
        out.set("X-Content-Type-Options", "nosniff");
        out.keep_alive(request.keep_alive());
        const auto size = response.body.size();
        const bool head = request.method() == http::verb::head;
        if (!head) out.body() = std::move(response.body);
        out.prepare_payload();
        if (head) out.content_length(size);
        return out;
    }

    Task<> serve(Socket socket) {
        const Counted counted{connections};
        beast::basic_stream<stream_protocol> stream{std::move(socket)};
        beast::flat_buffer buffer{8192};
        for (;;) {
            stream.expires_after(kIdle);
            http::request_parser<http::empty_body> parser;
            auto [read, read_bytes] = co_await http::async_read(stream, buffer, parser, kTuple);
            if (read) co_return;
            auto request = to_request(parser.get());
            auto answer = co_await handler(std::move(request));
            auto response = to_reply(parser.get(), std::move(answer));
            const bool keep = response.keep_alive();
            auto [sent, bytes] = co_await http::async_write(stream, response, kTuple);
            if (sent || !keep) co_return;
        }
    }

    TaskGroup& tasks;
    Handler handler;
    std::optional<Acceptor> acceptor;
    std::string address;
    std::string path;  // of the unix socket, to be removed
    std::size_t connections = 0;
};

HttpServer::HttpServer(TaskGroup& tasks, Handler handler)
    : impl_(std::make_unique<Impl>(tasks, std::move(handler))) {}

HttpServer::~HttpServer() {
    if (!impl_->path.empty()) ::unlink(impl_->path.c_str());
}

Result<> HttpServer::listen(asio::any_io_executor executor, const std::string& address) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint) return std::unexpected(endpoint.error());
    auto acceptor = bind_to<tcp>(executor, *endpoint, address);
    if (!acceptor) return std::unexpected(acceptor.error());
    boost::system::error_code ec;
    const auto bound = acceptor->local_endpoint(ec);
    const auto host = bound.address().to_string();
    impl_->address =
        (bound.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(bound.port());
    const int family = bound.address().is_v6() ? AF_INET6 : AF_INET;
    impl_->acceptor.emplace(generalize(std::move(*acceptor), executor, family));
    return {};
}

Result<> HttpServer::listen_unix(asio::any_io_executor executor, const std::string& path) {
    using asio::local::stream_protocol;
    if (path.size() > 107) {
        return fail(ErrorCode::kInvalid, "socket path longer than 107 bytes: " + path);
    }
    // One that a killed controller left. The state store's lock says that no other one lives.
    ::unlink(path.c_str());
    const auto mask = ::umask(0117);
    auto acceptor = bind_to<stream_protocol>(executor, stream_protocol::endpoint{path}, path);
    ::umask(mask);
    if (!acceptor) return std::unexpected(acceptor.error());
    impl_->address = impl_->path = path;
    impl_->acceptor.emplace(generalize(std::move(*acceptor), executor, AF_UNIX));
    return {};
}

const std::string& HttpServer::address() const { return impl_->address; }

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
        impl_->tasks.spawn(impl_->serve(std::move(socket)));
    }
}

}  // namespace chaos::telemetry
