// Traffic that no fault is for passes at full speed: TCP between two namespaces before, during and
// after a fault for somebody else.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "reconcilers/network/visit.h"
#include "test/bench/figures.h"
#include "test/network/pair.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

constexpr std::size_t kBytes = 512UL * 1024 * 1024;
constexpr int kRounds = 5;

class Socket {
public:
    explicit Socket(int fd) : fd_(fd) {
        if (fd < 0) throw std::runtime_error("socket");
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

sockaddr_in address() {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9100);
    ::inet_pton(AF_INET, "10.77.0.2", &to.sin_addr);
    return to;
}

// Gigabits per second of one bounded transfer.
double transfer(const Pair& pair) {
    std::unique_ptr<Socket> listener;
    std::unique_ptr<Socket> sender;
    const auto to = address();
    const auto* raw = reinterpret_cast<const sockaddr*>(&to);
    pair.in_b([&] {
        listener = std::make_unique<Socket>(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        constexpr int kOn = 1;
        ::setsockopt(listener->get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
        if (::bind(listener->get(), raw, sizeof to) != 0 || ::listen(listener->get(), 1) != 0) {
            throw std::runtime_error("listen");
        }
    });
    pair.in_a([&] {
        sender = std::make_unique<Socket>(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(sender->get(), raw, sizeof to) != 0) throw std::runtime_error("connect");
    });
    const Socket receiver{::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const auto start = Steady::now();
    std::thread sending{[&] {
        const std::string block(256UL * 1024, 'x');
        for (std::size_t sent = 0; sent < kBytes;) {
            const auto n = ::send(sender->get(), block.data(), block.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            sent += static_cast<std::size_t>(n);
        }
    }};
    std::string buffer(256UL * 1024, 0);
    for (std::size_t got = 0; got < kBytes;) {
        const auto n = ::recv(receiver.get(), buffer.data(), buffer.size(), 0);
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    sending.join();
    return 8.0 * kBytes / 1e9 / (milliseconds(Steady::now() - start) / 1000);
}

void want(const Pair& pair, std::vector<network::Active> faults) {
    Result<network::Report> report;
    const network::Wish wish{.faults = std::move(faults), .abilities = {.netem = false}};
    pair.in_a([&] { report = network::visit(wish); });
    if (!report) throw std::runtime_error(report.error().context);
}

}  // namespace

std::vector<Figure> unselected_throughput() {
    const Pair pair;
    Figure before{"TCP that no fault is for: before", "Gbit/s", {}};
    Figure during{"TCP that no fault is for: during", "Gbit/s", {}};
    Figure after{"TCP that no fault is for: after", "Gbit/s", {}};
    network::Active fault{.slot = 1, .lasts = std::chrono::minutes{5}};
    fault.fault = {.action = NetworkAction::kBandwidth,
                   .bandwidth = Bandwidth{.rate = 125'000},
                   .direction = Direction::kBoth,
                   .to = Peers{.cidrs = {"10.77.0.4"}}};
    fault.peers.to = fault.fault.to->cidrs;
    (void)transfer(pair);  // the first one warms up
    for (int round = 0; round < kRounds; ++round) {
        before.samples.push_back(transfer(pair));
        want(pair, {fault});
        during.samples.push_back(transfer(pair));
        want(pair, {});
        after.samples.push_back(transfer(pair));
    }
    return {before, during, after};
}

}  // namespace chaos::bench
