#include "reconcilers/network/qdisc.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "reconcilers/network/attributes.h"

namespace chaos::network {
namespace {

constexpr int kTableSize = 4096;      // as tc's own tables
constexpr double kTableScale = 8192;  // NETEM_DIST_SCALE

void append(std::string& bytes, const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    bytes.resize((bytes.size() + 3) & ~std::size_t{3});
}

template <class T>
void append_struct(std::string& bytes, const T& value) {
    append(bytes, &value, sizeof value);
}

void append_attribute(std::string& bytes, unsigned short type, std::string_view payload) {
    const rtattr header{static_cast<unsigned short>(RTA_LENGTH(payload.size())), type};
    append_struct(bytes, header);
    append(bytes, payload.data(), payload.size());
}

template <class T>
void append_attribute_of(std::string& bytes, unsigned short type, const T& value) {
    append_attribute(bytes, type, {reinterpret_cast<const char*>(&value), sizeof value});
}

// The inverse of the standard normal distribution function, by bisection on erfc: slow and exact
// enough for 4096 values made once.
double normal_quantile(double p) {
    double low = -8;
    double high = 8;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (std::erfc(-middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

// Of a Pareto distribution with alpha = 3 and minimum 1, whose mean is 3/2 and whose deviation is
// sqrt(3)/2: moved to mean 0 and, as tc's table, scaled by 4/3 rather than to deviation 1.
double pareto_quantile(double p) {
    constexpr double kAlpha = 3;
    return (std::pow(1 - p, -1 / kAlpha) - 1.5) * 4 / 3;
}

std::int16_t to_table(double value) {
    const double scaled_value = std::round(value * kTableScale);
    return static_cast<std::int16_t>(std::clamp(scaled_value, -32768.0, 32767.0));
}

void append_delay(std::string& bytes, const Delay& delay) {
    append_attribute_of(bytes, TCA_NETEM_LATENCY64,
                        static_cast<std::int64_t>(delay.latency.count()));
    append_attribute_of(bytes, TCA_NETEM_JITTER64, static_cast<std::int64_t>(delay.jitter.count()));
    if (delay.jitter <= Duration{0}) return;
    const auto table = distribution_table(delay.distribution);
    append_attribute(bytes, TCA_NETEM_DELAY_DIST,
                     {reinterpret_cast<const char*>(table.data()), table.size() * sizeof table[0]});
}

void append_loss_model(std::string& bytes, const Netem& netem) {
    std::string nested;
    if (!netem.loss) return;
    if (const auto* ge = std::get_if<GilbertElliott>(&*netem.loss)) {
        // The kernel wants h, and 1-k as it is (tc's q_netem.c).
        const tc_netem_gemodel model{
            scaled(ge->p), scaled(ge->r),
            std::numeric_limits<std::uint32_t>::max() - scaled(ge->one_minus_h),
            scaled(ge->one_minus_k)};
        append_attribute_of(nested, NETEM_LOSS_GE, model);
    } else if (const auto* state = std::get_if<FourState>(&*netem.loss)) {
        const tc_netem_gimodel model{scaled(state->p13), scaled(state->p31), scaled(state->p32),
                                     scaled(state->p14), scaled(state->p23)};
        append_attribute_of(nested, NETEM_LOSS_GI, model);
    }
    if (!nested.empty()) append_attribute(bytes, TCA_NETEM_LOSS | NLA_F_NESTED, nested);
}

std::string encode_netem(const Netem& netem) {
    tc_netem_qopt options{};
    tc_netem_corr correlations{};
    options.limit = netem.limit;
    if (netem.delay) correlations.delay_corr = scaled(netem.delay->correlation);
    if (const auto* loss = netem.loss ? std::get_if<Share>(&*netem.loss) : nullptr) {
        options.loss = scaled(loss->percent);
        correlations.loss_corr = scaled(loss->correlation);
    }
    if (netem.duplicate) {
        options.duplicate = scaled(netem.duplicate->percent);
        correlations.dup_corr = scaled(netem.duplicate->correlation);
    }
    if (netem.reorder) options.gap = static_cast<std::uint32_t>(netem.reorder->gap);
    std::string bytes;
    append_struct(bytes, options);
    append_attribute_of(bytes, TCA_NETEM_CORR, correlations);
    // Also where there is none: what a message leaves out, a change in place leaves as it was.
    const auto overtaking = netem.reorder ? netem.reorder->share : Share{};
    const tc_netem_reorder reorder{scaled(overtaking.percent), scaled(overtaking.correlation)};
    append_attribute_of(bytes, TCA_NETEM_REORDER, reorder);
    const auto corrupt = netem.corrupt.value_or(Share{});
    const tc_netem_corrupt damage{scaled(corrupt.percent), scaled(corrupt.correlation)};
    append_attribute_of(bytes, TCA_NETEM_CORRUPT, damage);
    append_loss_model(bytes, netem);
    if (netem.delay) append_delay(bytes, *netem.delay);
    return bytes;
}

// With the burst in bytes beside it the kernel needs no rate table (sch_tbf.c, tbf_change).
std::string encode_tbf(const Tbf& tbf) {
    tc_tbf_qopt options{};
    options.limit = tbf.limit;
    options.rate.rate = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(tbf.rate, std::numeric_limits<std::uint32_t>::max()));
    std::string bytes;
    append_attribute_of(bytes, TCA_TBF_PARMS, options);
    append_attribute_of(bytes, TCA_TBF_RATE64, tbf.rate);
    append_attribute_of(bytes, TCA_TBF_BURST, tbf.burst);
    return bytes;
}

std::string encode_htb() {
    tc_htb_glob options{};
    options.version = TC_HTB_PROTOVER;
    options.rate2quantum = 10;  // tc's default
    std::string bytes;
    append_attribute_of(bytes, TCA_HTB_INIT, options);
    // What is in no class waits here while the device is busy. The kernel's default is the device's
    // own queue length, which Docker sets to 0: every packet that had to wait would be dropped.
    append_attribute_of(bytes, TCA_HTB_DIRECT_QLEN, std::uint32_t{10'000});
    return bytes;
}

void read_statistics(std::string_view payload, Observed& observed) {
    // Without its padding, which older kernels leave out.
    constexpr std::size_t kBasicSize = 12;
    Attributes attributes{payload};
    while (const auto attribute = attributes.next()) {
        if (attribute->type == TCA_STATS_BASIC && attribute->payload.size() >= kBasicSize) {
            observed.bytes = *read_as<std::uint64_t>(attribute->payload);
            observed.packets = *read_as<std::uint32_t>(attribute->payload.substr(8));
        } else if (attribute->type == TCA_STATS_QUEUE) {
            if (const auto queue = read_as<gnet_stats_queue>(attribute->payload)) {
                observed.drops = queue->drops;
                observed.backlog = queue->backlog;
            }
        }
    }
}

}  // namespace

std::string_view kind_of(const Discipline& discipline) {
    if (std::holds_alternative<Netem>(discipline)) return "netem";
    return std::holds_alternative<Tbf>(discipline) ? "tbf" : "htb";
}

std::string encode_options(const Discipline& discipline) {
    if (const auto* netem = std::get_if<Netem>(&discipline)) return encode_netem(*netem);
    if (const auto* tbf = std::get_if<Tbf>(&discipline)) return encode_tbf(*tbf);
    return encode_htb();
}

std::uint32_t scaled(double percent) {
    constexpr double kAlways = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::round(std::clamp(percent, 0.0, 100.0) / 100 * kAlways));
}

std::vector<std::int16_t> distribution_table(Distribution distribution) {
    std::vector<std::int16_t> table;
    table.reserve(kTableSize);
    for (int i = 0; i < kTableSize; ++i) {
        const double p = (i + 0.5) / kTableSize;
        if (distribution == Distribution::kUniform) {
            table.push_back(to_table(2 * p - 1));
            continue;
        }
        const double normal = normal_quantile(p);
        const double pareto = pareto_quantile(p);
        // A quarter normal and three quarters Pareto, as tc's paretonormal.
        const double mixed = normal / 4 + pareto * 3 / 4;
        table.push_back(to_table(distribution == Distribution::kNormal   ? normal
                                 : distribution == Distribution::kPareto ? pareto
                                                                         : mixed));
    }
    return table;
}

const Observed* find_qdisc(const std::vector<Observed>& qdiscs, int interface,
                           std::uint32_t handle) {
    const auto it = std::ranges::find_if(qdiscs, [&](const Observed& qdisc) {
        return qdisc.interface == interface && qdisc.handle == handle;
    });
    return it == qdiscs.end() ? nullptr : &*it;
}

Result<Observed> decode_qdisc(std::string_view payload) {
    const auto header = read_as<tcmsg>(payload);
    if (!header) return fail(ErrorCode::kInternal, "rtnetlink: a qdisc message that is too short");
    Observed observed{.interface = header->tcm_ifindex,
                      .handle = header->tcm_handle,
                      .parent = header->tcm_parent};
    payload.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(sizeof(tcmsg)), payload.size()));
    Attributes attributes{payload};
    while (const auto attribute = attributes.next()) {
        if (attribute->type == TCA_KIND) {
            observed.kind = attribute->payload.substr(0, attribute->payload.find('\0'));
        } else if (attribute->type == TCA_STATS2) {
            read_statistics(attribute->payload, observed);
        }
    }
    return observed;
}

}  // namespace chaos::network
