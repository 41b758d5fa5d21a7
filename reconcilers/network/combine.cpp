#include "reconcilers/network/combine.h"

#include <algorithm>
#include <cmath>

namespace chaos::network {
namespace {

// What packets wait that do not overtake, where nothing else delays them: without it there would be
// nothing to overtake.
constexpr Duration kReorderDelay = std::chrono::milliseconds{10};

// Packets that may wait in a netem: as many as come in the time that they are delayed, at this
// rate, since what finds the queue full is lost without anybody having asked for it.
constexpr double kPacketsPerSecond = 200'000;
constexpr std::uint32_t kShortestQueue = 1000;  // the kernel's own default
constexpr std::uint32_t kLongestQueue = 1'000'000;

constexpr double kFrame = 14;  // the Ethernet header, which the kernel counts to a packet's size

Delay add(const Delay& a, const Delay& b) {
    Delay sum = a.jitter >= b.jitter ? a : b;
    sum.latency = a.latency + b.latency;
    const double x = static_cast<double>(a.jitter.count());
    const double y = static_cast<double>(b.jitter.count());
    sum.jitter = Duration{std::llround(std::hypot(x, y))};
    return sum;
}

// Of two independent chances, that one at least comes true.
Share add(const Share& a, const Share& b) {
    const double neither = (1 - a.percent / 100) * (1 - b.percent / 100);
    return {100 * (1 - neither), std::max(a.correlation, b.correlation)};
}

Loss add(const Loss& a, const Loss& b) {
    const auto* x = std::get_if<Share>(&a);
    const auto* y = std::get_if<Share>(&b);
    return x != nullptr && y != nullptr ? Loss{add(*x, *y)} : a;  // see can_combine
}

Reorder add(const Reorder& a, const Reorder& b) {
    return {add(a.share, b.share), std::max(a.gap, b.gap)};
}

const Bandwidth& add(const Bandwidth& a, const Bandwidth& b) { return a.rate <= b.rate ? a : b; }

template <class T>
void add_to(std::optional<T>& sum, const std::optional<T>& more) {
    if (!more) return;
    sum = sum ? T{add(*sum, *more)} : *more;
}

Netem netem_of(const std::vector<const NetworkFault*>& faults) {
    Netem netem;
    for (const auto* fault : faults) {
        add_to(netem.delay, fault->delay);
        add_to(netem.loss, fault->loss);
        add_to(netem.duplicate, fault->duplicate);
        add_to(netem.corrupt, fault->corrupt);
        add_to(netem.reorder, fault->reorder);
    }
    if (netem.reorder && !netem.delay) netem.delay = Delay{.latency = kReorderDelay};
    if (netem.delay) {
        const std::chrono::duration<double> longest =
            netem.delay->latency + 3 * netem.delay->jitter;
        netem.limit = static_cast<std::uint32_t>(
            std::clamp<double>(longest.count() * kPacketsPerSecond, kShortestQueue, kLongestQueue));
    }
    return netem;
}

Tbf tbf_of(const Bandwidth& bandwidth, unsigned mtu) {
    // tbf can pass nothing larger than its burst, and at high rates needs what comes between two
    // ticks of its timer (tc-tbf(8): rate / HZ; here for 100 Hz, the lowest there is).
    const double packet = std::max<double>(mtu, 1500) + kFrame;
    const double rate = static_cast<double>(bandwidth.rate);
    const double burst = bandwidth.burst ? std::max(static_cast<double>(*bandwidth.burst), packet)
                                         : std::max(rate / 100, 2 * packet);
    // A tenth of a second, and ten packets, or a slow link would let nothing wait.
    const std::chrono::duration<double> longest =
        bandwidth.latency.value_or(std::chrono::milliseconds{100});
    const double queue = rate * longest.count();
    const double limit =
        burst + (bandwidth.latency ? std::max(queue, packet) : std::max(queue, 10 * packet));
    constexpr double kMost = 4e9;
    return {bandwidth.rate, static_cast<std::uint32_t>(std::min(burst, kMost)),
            static_cast<std::uint32_t>(std::min(limit, kMost))};
}

}  // namespace

bool needs_netem(const NetworkFault& fault) {
    return fault.delay || fault.loss || fault.duplicate || fault.corrupt || fault.reorder;
}

bool needs_class(const NetworkFault& fault) { return fault.bandwidth || needs_netem(fault); }

bool loss_by_nftables(const NetworkFault& fault) {
    const auto* share = fault.loss ? std::get_if<Share>(&*fault.loss) : nullptr;
    const bool more = fault.delay || fault.duplicate || fault.corrupt || fault.reorder;
    return share != nullptr && share->correlation <= 0 && !more;
}

Result<> can_combine(const std::vector<const NetworkFault*>& faults) {
    int losses = 0;
    bool model = false;
    for (const auto* fault : faults) {
        if (!fault->loss) continue;
        ++losses;
        model = model || !std::holds_alternative<Share>(*fault->loss);
    }
    if (!model || losses < 2) return {};
    return fail(ErrorCode::kConflict,
                "losses by a model (gemodel, state) cannot be combined with another loss of the "
                "same packets");
}

Leaf combine(std::uint16_t number, const std::vector<const NetworkFault*>& faults, unsigned mtu,
             bool netem) {
    Leaf leaf{.number = number};
    if (netem && std::ranges::any_of(faults, [](const auto* f) { return needs_netem(*f); })) {
        leaf.netem = netem_of(faults);
    }
    std::optional<Bandwidth> bandwidth;
    for (const auto* fault : faults) add_to(bandwidth, fault->bandwidth);
    if (bandwidth) leaf.tbf = tbf_of(*bandwidth, mtu);
    return leaf;
}

}  // namespace chaos::network
