#include "test/network/datagrams.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <set>
#include <thread>

namespace chaos::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kQuiet = 1000;  // ms without a datagram that end the waiting

class Socket {
public:
    explicit Socket(bool v6)
        : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        constexpr int kBuffer = 64 * 1024 * 1024;
        constexpr int kOn = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer);
        ::setsockopt(fd_, SOL_SOCKET, SO_NO_CHECK, &kOn, sizeof kOn);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

sockaddr_storage address_of(const Datagrams::Options& options, socklen_t& length) {
    sockaddr_storage storage{};
    if (options.to.find(':') != std::string::npos) {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(options.port);
        ::inet_pton(AF_INET6, options.to.c_str(), &v6->sin6_addr);
        length = sizeof *v6;
    } else {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options.port);
        ::inet_pton(AF_INET, options.to.c_str(), &v4->sin_addr);
        length = sizeof *v4;
    }
    return storage;
}

std::string content_of(int number, std::size_t size) {
    std::string content(std::max(size, sizeof number), 'x');
    std::memcpy(content.data(), &number, sizeof number);
    return content;
}

class Receiver {
public:
    Receiver(int fd, int count, std::size_t size) : fd_(fd), count_(count), size_(size) {}

    void run() {
        for (;;) {
            pollfd poll{fd_, POLLIN, 0};
            if (::poll(&poll, 1, kQuiet) <= 0) {
                if (done) return;
                continue;
            }
            std::string buffer(65536, 0);
            const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (got > 0) take(buffer.substr(0, static_cast<std::size_t>(got)));
        }
    }

    std::atomic<bool> done{false};
    Datagrams::Outcome outcome;

private:
    void take(const std::string& content) {
        const auto now = Clock::now();
        if (outcome.bytes == 0) first_ = now;
        outcome.bytes += content.size();
        outcome.seconds = std::chrono::duration<double>(now - first_).count();
        int number = -1;
        std::memcpy(&number, content.data(), std::min(content.size(), sizeof number));
        if (number < 0 || number >= count_ || content != content_of(number, size_)) {
            ++outcome.damaged;
            return;
        }
        if (!seen_.insert(number).second) {
            ++outcome.twice;
            return;
        }
        ++outcome.arrived;
        if (number < highest_) ++outcome.out_of_order;
        while (seen_.contains(lowest_missing_)) ++lowest_missing_;
        if (number - lowest_missing_ > 20) ++outcome.early;
        highest_ = std::max(highest_, number);
    }

    int fd_;
    int count_;
    std::size_t size_;
    std::set<int> seen_;
    int highest_ = -1;
    int lowest_missing_ = 0;
    Clock::time_point first_;
};

}  // namespace

Datagrams::Outcome Datagrams::send(const Pair& pair, int count, const Options& options) {
    const bool v6 = options.to.find(':') != std::string::npos;
    std::unique_ptr<Socket> sender;
    std::unique_ptr<Socket> receiver;
    socklen_t length = 0;
    const auto address = address_of(options, length);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    const auto make_sender = [&] { sender = std::make_unique<Socket>(v6); };
    const auto make_receiver = [&] {
        receiver = std::make_unique<Socket>(v6);
        if (::bind(receiver->get(), to, length) != 0) throw std::runtime_error("bind");
    };
    // A socket stays in the namespace that it was made in.
    options.reverse ? pair.in_b(make_sender) : pair.in_a(make_sender);
    options.reverse ? pair.in_a(make_receiver) : pair.in_b(make_receiver);
    Receiver work{receiver->get(), count, options.size};
    std::thread thread{[&] { work.run(); }};
    auto next = Clock::now();
    for (int i = 0; i < count; ++i) {
        const auto content = content_of(i, options.size);
        ::sendto(sender->get(), content.data(), content.size(), 0, to, length);
        // The pace of the test's traffic, not a way to wait for something.
        std::this_thread::sleep_until(next += options.pause);
    }
    work.done = true;
    thread.join();
    return work.outcome;
}

}  // namespace chaos::test
