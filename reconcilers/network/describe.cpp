// A tree as people know it: the words of tc(8) and nft(8).
#include <array>
#include <cstdio>

#include "controller/api/names.h"
#include "reconcilers/network/merge.h"

namespace chaos::network {
namespace {

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", value);
    return text.data();
}

std::string hex(unsigned value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%x", value);
    return text.data();
}

std::string share(const char* word, const Share& share) {
    auto text = std::string{" "} + word + " " + number(share.percent) + "%";
    if (share.correlation > 0) text += " " + number(share.correlation) + "%";
    return text;
}

std::string loss(const Loss& loss) {
    if (const auto* random = std::get_if<Share>(&loss)) return share("loss", *random);
    if (const auto* ge = std::get_if<GilbertElliott>(&loss)) {
        return " loss gemodel p " + number(ge->p) + "% r " + number(ge->r) + "% 1-h " +
               number(ge->one_minus_h) + "% 1-k " + number(ge->one_minus_k) + "%";
    }
    const auto& state = std::get<FourState>(loss);
    return " loss state p13 " + number(state.p13) + "% p31 " + number(state.p31) + "% p32 " +
           number(state.p32) + "% p23 " + number(state.p23) + "% p14 " + number(state.p14) + "%";
}

std::string netem(const Netem& netem) {
    std::string text = "netem limit " + std::to_string(netem.limit);
    if (netem.delay) {
        text += " delay " + format_duration(netem.delay->latency);
        if (netem.delay->jitter > Duration{0}) {
            text += " " + format_duration(netem.delay->jitter);
            if (netem.delay->correlation > 0) text += " " + number(netem.delay->correlation) + "%";
            const auto distribution = netem.delay->distribution;
            text += " distribution " + std::string{find_name(names_of(distribution), distribution)};
        }
    }
    if (netem.loss) text += loss(*netem.loss);
    if (netem.duplicate) text += share("duplicate", *netem.duplicate);
    if (netem.reorder) {
        text +=
            share("reorder", netem.reorder->share) + " gap " + std::to_string(netem.reorder->gap);
    }
    if (netem.corrupt) text += share("corrupt", *netem.corrupt);
    return text;
}

std::string tbf(const Tbf& tbf) {
    return "tbf rate " + std::to_string(tbf.rate * 8) + "bit burst " + std::to_string(tbf.burst) +
           "b limit " + std::to_string(tbf.limit) + "b";
}

}  // namespace

std::string describe(const Tree& tree) {
    std::string text;
    for (const auto& device : tree.devices) {
        const auto dev = " dev " + device.name;
        if (!device.stands_for.empty()) {
            text += "link add " + device.name + " type ifb   # for what arrives at " +
                    device.stands_for + "\n";
        }
        text += "qdisc add" + dev + " root handle c4a0: htb\n";
        for (const auto& leaf : device.leaves) {
            const auto id = hex(leaf.number);
            text += "class add" + dev + " parent c4a0: classid c4a0:" + id + " htb rate 80gbit\n";
            auto parent = "c4a0:" + id;
            if (leaf.netem) {
                const auto handle = hex(kNetemMajor + unsigned{leaf.number});
                text += "qdisc add" + dev + " parent " + parent + " handle " + handle + ": " +
                        netem(*leaf.netem) + "\n";
                parent = handle + ":1";
            }
            if (!leaf.tbf) continue;
            text += "qdisc add" + dev + " parent " + parent + " handle " +
                    hex(kTbfMajor + unsigned{leaf.number}) + ": " + tbf(*leaf.tbf) + "\n";
        }
    }
    if (tree.rules.empty()) return text;
    const auto rules = ruleset(tree.rules, tree.redirects, {.inet = false});
    return text + (rules ? *rules : rules.error().context + "\n");
}

}  // namespace chaos::network
