#include "reconcilers/network/ruleset.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace chaos::network {
namespace {

// Behind every other hook of its kind: what a firewall drops is none of ours, and what we steer
// nobody steers elsewhere.
constexpr int kPriority = 300;
// Of a share: as fine as a percentage with four decimals.
constexpr int kModulus = 1'000'000;

enum class Family { kIpv4, kIpv6 };

std::optional<Family> family_of(std::string_view address) {
    const auto slash = address.find('/');
    const std::string host{address.substr(0, slash)};
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool v4 = ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
    if (!v4 && ::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return std::nullopt;
    if (slash == std::string_view::npos) return v4 ? Family::kIpv4 : Family::kIpv6;
    const auto length = address.substr(slash + 1);
    int bits = -1;
    const auto [end, ec] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (ec != std::errc{} || end != length.data() + length.size()) return std::nullopt;
    if (bits < 0 || bits > (v4 ? 32 : 128)) return std::nullopt;
    return v4 ? Family::kIpv4 : Family::kIpv6;
}

// What the kernel allows (dev_valid_name), less what nftables would not take for a name.
bool is_interface(std::string_view name) {
    return !name.empty() && name.size() < 16 &&
           std::ranges::all_of(
               name,
               [](unsigned char c) {
                   return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '@' ||
                          c == ':';
               });
}

std::string join(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

std::string milliseconds(Duration duration) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    return std::to_string(count / 1000) + "s" + std::to_string(count % 1000) + "ms";
}

std::string ports_of(const Match& match) {
    std::vector<std::string> parts;
    for (const auto& [first, last] : match.ports) {
        parts.push_back(std::to_string(first) + (first == last ? "" : "-" + std::to_string(last)));
    }
    return "{ " + join(parts) + " }";
}

// The conditions on protocols and ports, each alternative a text; none where nothing can match.
std::vector<std::string> protocol_conditions(const Match& match) {
    const auto has = [&](Protocol protocol) {
        return match.protocols.empty() ||
               std::ranges::find(match.protocols, protocol) != match.protocols.end();
    };
    std::vector<std::string> names;
    if (has(Protocol::kTcp)) names.emplace_back("tcp");
    if (has(Protocol::kUdp)) names.emplace_back("udp");
    if (!match.ports.empty()) {
        if (names.empty()) return {};
        const auto transport = "meta l4proto { " + join(names) + " } th ";
        return {transport + "dport " + ports_of(match) + " ",
                transport + "sport " + ports_of(match) + " "};
    }
    if (match.protocols.empty()) return {""};
    if (has(Protocol::kIcmp)) names.insert(names.end(), {"icmp", "ipv6-icmp"});
    return {"meta l4proto { " + join(names) + " } "};
}

std::vector<std::string> address_conditions(const Match& match, bool outgoing) {
    if (match.addresses.empty()) return {""};
    const std::string side = outgoing ? "daddr" : "saddr";
    std::vector<std::string> v4;
    std::vector<std::string> v6;
    for (const auto& address : match.addresses) {
        (family_of(address) == Family::kIpv4 ? v4 : v6).push_back(address);
    }
    std::vector<std::string> conditions;
    if (!v4.empty()) conditions.push_back("ip " + side + " { " + join(v4) + " } ");
    if (!v6.empty()) conditions.push_back("ip6 " + side + " { " + join(v6) + " } ");
    return conditions;
}

void add_matches(std::string& text, const std::optional<Match>& match, bool outgoing,
                 const std::string& verdict) {
    const Match all = match.value_or(Match{});
    for (const auto& address : address_conditions(all, outgoing)) {
        for (const auto& protocol : protocol_conditions(all)) {
            text += "    " + address + protocol + verdict + "\n";
        }
    }
}

std::string verdict_of(const Rule& rule) {
    if (std::holds_alternative<Drop>(rule.effect)) return "counter drop";
    if (const auto* share = std::get_if<DropShare>(&rule.effect)) {
        const auto part =
            static_cast<int>(std::round(std::clamp(share->percent, 0.0, 100.0) / 100 * kModulus));
        return "numgen random mod " + std::to_string(kModulus) + " < " + std::to_string(part) +
               " counter drop";
    }
    const auto id = std::get<Steer>(rule.effect).class_id;
    std::array<char, 16> hex{};
    std::snprintf(hex.data(), hex.size(), "%x:%x", id >> 16U, id & 0xffffU);
    return "counter meta priority set " + std::string{hex.data()};
}

// The chain of a rule in one direction.
std::string effect_chain(const Rule& rule, bool outgoing) {
    std::string text =
        "  chain " + std::string{outgoing ? "out" : "in"} + std::to_string(rule.slot) + " {\n";
    if (rule.except) add_matches(text, rule.except, outgoing, "return");
    add_matches(text, rule.to, outgoing, verdict_of(rule));
    return text + "  }\n";
}

std::string base_chain(const std::vector<Rule>& rules, bool outgoing) {
    std::string text = "  chain " + std::string{outgoing ? "outgoing" : "incoming"} +
                       " {\n    type filter hook " + (outgoing ? "postrouting" : "prerouting") +
                       " priority " + std::to_string(kPriority) + "; policy accept;\n";
    for (const auto& rule : rules) {
        if (!(outgoing ? rule.outgoing : rule.incoming)) continue;
        const auto slot = std::to_string(rule.slot);
        text += std::string{"    "} + (outgoing ? "oifname" : "iifname") + " @live" + slot +
                " jump " + (outgoing ? "out" : "in") + slot + "\n";
    }
    return text + "  }\n";
}

Result<> check(const Rule& rule) {
    for (const auto& name : rule.interfaces) {
        if (!is_interface(name)) {
            return fail(ErrorCode::kInvalid, "\"" + name + "\" is not the name of an interface");
        }
    }
    for (const auto* match : {&rule.to, &rule.except}) {
        if (!*match) continue;
        for (const auto& address : (*match)->addresses) {
            if (!family_of(address)) {
                return fail(ErrorCode::kInvalid,
                            "\"" + address + "\" is no address or range of addresses");
            }
        }
    }
    return {};
}

std::string live_set(const Rule& rule) {
    std::vector<std::string> elements;
    for (const auto& name : rule.interfaces) {
        elements.push_back("\"" + name + "\" timeout " + milliseconds(rule.lasts));
    }
    return "  set live" + std::to_string(rule.slot) + " { type ifname; flags timeout; " +
           (elements.empty() ? "" : "elements = { " + join(elements) + " } ") + "}\n";
}

}  // namespace

Result<std::string> ruleset(const std::vector<Rule>& rules) {
    const auto table = "table inet " + std::string{kTable};
    // Made first, so that there is one to delete.
    std::string text = table + " { }\ndelete " + table + "\n";
    if (rules.empty()) return text;
    text += table + " {\n";
    for (const auto& rule : rules) {
        if (auto ok = check(rule); !ok) return std::unexpected(ok.error());
        text += live_set(rule);
        if (rule.outgoing) text += effect_chain(rule, true);
        if (rule.incoming) text += effect_chain(rule, false);
    }
    return text + base_chain(rules, true) + base_chain(rules, false) + "}\n";
}

}  // namespace chaos::network
