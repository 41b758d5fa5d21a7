#include "reconcilers/network/ruleset.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "controller/api/address.h"

namespace chaos::network {
namespace {

// Behind every other hook of its kind: what a firewall drops is none of ours, and what we steer
// nobody steers elsewhere.
constexpr int kPriority = 300;
// Of a share: as fine as a percentage with four decimals.
constexpr int kModulus = 1'000'000;

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
    const auto count =
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(duration).count(), 1);
    return std::to_string(count / 1000) + "s" + std::to_string(count % 1000) + "ms";
}

std::string class_text(std::uint32_t id) {
    std::array<char, 16> hex{};
    std::snprintf(hex.data(), hex.size(), "%x:%x", id >> 16U, id & 0xffffU);
    return hex.data();
}

std::string ports_of(const Match& match) {
    std::vector<std::string> parts;
    for (const auto& [first, last] : match.ports) {
        parts.push_back(std::to_string(first) + (first == last ? "" : "-" + std::to_string(last)));
    }
    return "{ " + join(parts) + " }";
}

using Conditions = std::vector<std::string>;  // alternatives; none where nothing can match

Conditions protocol_conditions(const Match& match) {
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

// The condition that a packet of this family meets every list of addresses; nullopt where none can.
std::optional<std::string> address_condition(const std::vector<Match>& matches, Family family,
                                             bool outgoing) {
    const std::string field =
        std::string{family == Family::kIpv4 ? "ip " : "ip6 "} + (outgoing ? "daddr" : "saddr");
    std::string condition;
    for (const auto& match : matches) {
        if (!match.addresses) continue;
        std::vector<std::string> own;
        for (const auto& address : *match.addresses) {
            if (family_of(address) == family) own.push_back(address);
        }
        if (own.empty()) return std::nullopt;
        condition += field + " { " + join(own) + " } ";
    }
    return condition;
}

Conditions address_conditions(const std::vector<Match>& matches, bool outgoing) {
    const bool any = std::ranges::none_of(
        matches, [](const Match& match) { return match.addresses.has_value(); });
    if (any) return {""};
    Conditions conditions;
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
        if (auto condition = address_condition(matches, family, outgoing)) {
            conditions.push_back(std::move(*condition));
        }
    }
    return conditions;
}

// All alternatives of packets that meet each of the matches.
Conditions conditions_of(const std::vector<Match>& matches, bool outgoing) {
    auto conditions = address_conditions(matches, outgoing);
    for (const auto& match : matches) {
        Conditions product;
        for (const auto& before : conditions) {
            for (const auto& after : protocol_conditions(match)) product.push_back(before + after);
        }
        conditions = std::move(product);
    }
    return conditions;
}

std::string effect_of(const Rule& rule) {
    if (std::holds_alternative<Drop>(rule.effect)) return "    drop\n";
    if (const auto* share = std::get_if<DropShare>(&rule.effect)) {
        const auto part =
            static_cast<int>(std::round(std::clamp(share->percent, 0.0, 100.0) / 100 * kModulus));
        // All of them is no number below the modulus.
        const auto condition = part >= kModulus ? std::string{}
                                                : "numgen random mod " + std::to_string(kModulus) +
                                                      " < " + std::to_string(part) + " ";
        return "    " + condition + "counter name " + drops_counter_name(rule.slot) + " drop\n";
    }
    const auto& [class_id, joins] = std::get<Steer>(rule.effect);
    std::string text;
    std::vector<std::string> pairs;
    for (const auto& [from, to] : joins) pairs.push_back(class_text(from) + " : " + class_text(to));
    // Where the map has no entry the rule ends, and the next one holds.
    if (!pairs.empty()) {
        text = "    meta priority set meta priority map { " + join(pairs) + " } return\n";
    }
    return text + "    meta priority set " + class_text(class_id) + "\n";
}

std::string counter(const std::string& name, Counted from) {
    return "  counter " + name + " { packets " + std::to_string(from.packets) + " bytes " +
           std::to_string(from.bytes) + " }\n";
}

// The chain that the packets of one direction pass, of a rule that is live.
std::string match_chain(const Rule& rule, bool outgoing) {
    const auto slot = std::to_string(rule.slot);
    std::string text = "  chain " + std::string{outgoing ? "out" : "in"} + slot + " {\n";
    if (rule.except) {
        for (const auto& condition : conditions_of({*rule.except}, outgoing)) {
            text += "    " + condition + "return\n";
        }
    }
    for (const auto& condition : conditions_of(rule.to, outgoing)) {
        text += "    " + condition + "goto hit" + slot + "\n";
    }
    return text + "  }\n";
}

std::vector<std::string> live_elements(const Rule& rule) {
    std::vector<std::string> elements;
    for (const auto& name : rule.interfaces) {
        elements.push_back("\"" + name + "\" timeout " + milliseconds(rule.lasts));
    }
    return elements;
}

// What stands before the hooks: counters, the set that ends the rule, and its chains.
std::string body_of(const Rule& rule, bool outgoing, bool incoming) {
    const auto slot = std::to_string(rule.slot);
    auto text = counter(counter_name(rule.slot), rule.counted);
    if (std::holds_alternative<DropShare>(rule.effect)) {
        text += counter(drops_counter_name(rule.slot), rule.dropped);
    }
    const auto elements = live_elements(rule);
    text += "  set live" + slot + " { type ifname; flags timeout; " +
            (elements.empty() ? "" : "elements = { " + join(elements) + " } ") + "}\n";
    text += "  chain hit" + slot + " {\n    counter name " + counter_name(rule.slot) + "\n" +
            effect_of(rule) + "  }\n";
    if (outgoing) text += match_chain(rule, true);
    if (incoming) text += match_chain(rule, false);
    return text;
}

// Arriving packets that are to be impaired are dealt with in the netdev table.
bool is_redirected(const Rule& rule) {
    return rule.incoming && std::holds_alternative<Steer>(rule.effect);
}

bool is_in_inet(const Rule& rule) { return rule.outgoing || !is_redirected(rule); }

// None where there is nothing to do: every packet would pass it.
std::string inet_hook(const std::vector<Rule>& rules, bool outgoing) {
    const auto has = [outgoing](const Rule& rule) {
        return outgoing ? rule.outgoing : rule.incoming && !is_redirected(rule);
    };
    if (std::ranges::none_of(rules, has)) return {};
    std::string text = "  chain " + std::string{outgoing ? "outgoing" : "incoming"} +
                       " {\n    type filter hook " + (outgoing ? "postrouting" : "prerouting") +
                       " priority " + std::to_string(kPriority) + "; policy accept;\n";
    for (const auto& rule : rules) {
        if (!has(rule)) continue;
        const auto slot = std::to_string(rule.slot);
        text += std::string{"    "} + (outgoing ? "oifname" : "iifname") + " @live" + slot +
                " jump " + (outgoing ? "out" : "in") + slot + "\n";
    }
    return text + "  }\n";
}

std::string netdev_hook(const std::vector<Rule>& rules, const Redirect& redirect, std::size_t n) {
    std::string text = "  chain arriving" + std::to_string(n) +
                       " {\n    type filter hook ingress device \"" + redirect.interface +
                       "\" priority " + std::to_string(kPriority) + "; policy accept;\n";
    for (const auto& rule : rules) {
        if (!is_redirected(rule)) continue;
        const auto slot = std::to_string(rule.slot);
        text += "    meta protocol { ip, ip6 } iifname @live" + slot + " jump in" + slot + "\n";
    }
    std::vector<std::string> classes;
    for (const auto id : redirect.classes) classes.push_back(class_text(id));
    return text + "    meta priority { " + join(classes) + " } fwd to \"" + redirect.device +
           "\"\n  }\n";
}

Result<> check_interface(const std::string& name) {
    if (is_interface(name)) return {};
    return fail(ErrorCode::kInvalid, "\"" + name + "\" is not the name of an interface");
}

Result<> check_addresses(const Match& match) {
    for (const auto& address : match.addresses.value_or(std::vector<std::string>{})) {
        if (family_of(address)) continue;
        return fail(ErrorCode::kInvalid, "\"" + address + "\" is no address or range of addresses");
    }
    return {};
}

Result<> check(const std::vector<Rule>& rules, const std::vector<Redirect>& redirects) {
    Result<> ok;
    for (const auto& rule : rules) {
        for (const auto& name : rule.interfaces) {
            if (ok) ok = check_interface(name);
        }
        for (const auto& match : rule.to) {
            if (ok) ok = check_addresses(match);
        }
        if (ok && rule.except) ok = check_addresses(*rule.except);
    }
    for (const auto& redirect : redirects) {
        for (const auto& name : {redirect.interface, redirect.device}) {
            if (ok) ok = check_interface(name);
        }
    }
    return ok;
}

// Made first, so that there is one to delete.
std::string without(const std::string& table) { return table + " { }\ndelete " + table + "\n"; }

}  // namespace

std::string counter_name(int slot) { return "c" + std::to_string(slot); }
std::string drops_counter_name(int slot) { return "d" + std::to_string(slot); }

Tables tables_of(const std::vector<Rule>& rules) {
    return {std::ranges::any_of(rules, is_in_inet), std::ranges::any_of(rules, is_redirected)};
}

Result<std::string> ruleset(const std::vector<Rule>& rules, const std::vector<Redirect>& redirects,
                            Tables there) {
    if (auto ok = check(rules, redirects); !ok) return std::unexpected(ok.error());
    const auto inet = "table inet " + std::string{kTable};
    const auto netdev = "table netdev " + std::string{kTable};
    const auto [in_inet, in_netdev] = tables_of(rules);
    std::string text;
    if (there.inet) text += without(inet);
    if (there.netdev) text += without(netdev);
    if (in_inet) {
        text += inet + " {\n";
        for (const auto& rule : rules) {
            if (!is_in_inet(rule)) continue;
            text += body_of(rule, rule.outgoing, rule.incoming && !is_redirected(rule));
        }
        text += inet_hook(rules, true) + inet_hook(rules, false) + "}\n";
    }
    if (in_netdev) {
        text += netdev + " {\n";
        for (const auto& rule : rules) {
            if (!is_redirected(rule)) continue;
            auto arriving = rule;
            if (rule.outgoing) arriving.counted = {};  // the other table's counter goes on
            text += body_of(arriving, false, true);
        }
        for (std::size_t n = 0; n < redirects.size(); ++n) {
            text += netdev_hook(rules, redirects[n], n);
        }
        text += "}\n";
    }
    return text;
}

std::string rearm(const std::vector<Rule>& rules) {
    std::string text;
    for (const auto& rule : rules) {
        const auto elements = join(live_elements(rule));
        if (elements.empty()) continue;
        for (const auto& [family, has] :
             {std::pair{"inet ", is_in_inet(rule)}, std::pair{"netdev ", is_redirected(rule)}}) {
            if (!has) continue;
            const auto set = family + std::string{kTable} + " live" + std::to_string(rule.slot);
            text += "flush set " + set + "\nadd element " + set + " { " + elements + " }\n";
        }
    }
    return text;
}

}  // namespace chaos::network
