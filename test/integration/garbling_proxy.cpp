#include "test/integration/garbling_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <list>
#include <stdexcept>

namespace chaos::test {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
}

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

// What one side has to say now; "" when it has closed.
std::string read_some(int fd) {
    std::array<char, 65536> chunk{};
    const auto n = ::read(fd, chunk.data(), chunk.size());
    return n > 0 ? std::string{chunk.data(), static_cast<std::size_t>(n)} : std::string{};
}

bool readable(int fd, int timeout_ms) {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, timeout_ms) > 0;
}

constexpr int kTick = 50;  // how often a thread looks whether it is to end, in milliseconds

}  // namespace

GarblingProxy::GarblingProxy(std::string path, std::string engine, std::string what,
                             std::optional<std::string> garbage, std::chrono::milliseconds delay)
    : path_(std::move(path)),
      engine_(std::move(engine)),
      what_(std::move(what)),
      garbage_(std::move(garbage)),
      delay_(delay),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = address_of(path_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0) {
        throw std::runtime_error("cannot listen on " + path_);
    }
    thread_ = std::thread{[this] {
        std::list<std::thread> connections;
        while (!ending_) {
            if (!readable(listener_, kTick)) continue;
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client >= 0) connections.emplace_back([this, client] { serve(client); });
        }
        for (auto& connection : connections) connection.join();
    }};
}

GarblingProxy::~GarblingProxy() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
}

// The controller sends no bodies and has one request a connection.
void GarblingProxy::serve(int client) {
    std::string request;
    while (!ending_ && request.find("\r\n\r\n") == std::string::npos) {
        if (!readable(client, kTick)) continue;
        const auto more = read_some(client);
        if (more.empty()) break;
        request += more;
    }
    const int engine = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(engine_);
    if (::connect(engine, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        write_all(engine, request);
        const bool garble =
            request.substr(0, request.find("\r\n")).find(what_) != std::string::npos;
        if (garble) ++passed_;
        std::string whole;
        while (!ending_) {
            if (readable(client, 0) && read_some(client).empty()) break;
            if (!readable(engine, kTick)) continue;
            const auto reply = read_some(engine);
            if (reply.empty()) break;
            if (garble) whole += reply;
            if (!garble) write_all(client, reply);
        }
        if (garble) {
            const auto due = std::chrono::steady_clock::now() + delay_;
            while (!ending_ && std::chrono::steady_clock::now() < due) readable(client, kTick);
            write_all(client, garbage_.value_or(whole));
            ++garbled_;
        }
    }
    ::close(engine);
    ::close(client);
}

}  // namespace chaos::test
