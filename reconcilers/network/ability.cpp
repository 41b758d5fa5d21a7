#include "reconcilers/network/ability.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "reconcilers/network/nftables.h"

namespace chaos::network {
namespace {

constexpr int kLoopback = 1;  // the index of lo in every new namespace

Ability judge(std::string module, std::string purpose, const Result<>& tried) {
    return {std::move(module), tried.has_value(), tried ? "" : tried.error().context,
            std::move(purpose)};
}

Result<> try_qdisc(Rtnetlink& link, const Discipline& discipline) {
    const auto put = link.put_qdisc(kLoopback, kNoParent, kRoot, discipline);
    // Or the next one could not be tried.
    const auto removed = link.remove_qdisc(kLoopback, kNoParent, kRoot);
    return put ? removed : put;
}

Result<> try_ifb(Rtnetlink& link) {
    const auto made = link.put_ifb(ifb_name(kLoopback));
    return made ? link.remove_interface(*made) : std::unexpected(made.error());
}

Result<> try_nftables() {
    auto nftables = Nftables::open();
    if (!nftables) return std::unexpected(nftables.error());
    const Rule rule{.interfaces = {"lo"}, .effect = DropShare{1}, .lasts = std::chrono::minutes{1}};
    const auto text = ruleset({rule});
    return text ? nftables->run(*text) : std::unexpected(text.error());
}

Result<std::vector<Ability>> try_all() {
    if (::unshare(CLONE_NEWNET) != 0) {
        return fail(errno == EPERM ? ErrorCode::kPermission : ErrorCode::kUnavailable,
                    std::string{"a network namespace to try in: "} + std::strerror(errno));
    }
    auto link = Rtnetlink::open();
    if (!link) return std::unexpected(link.error());
    Netem netem;
    netem.delay = Delay{.latency = std::chrono::milliseconds{1}};
    return std::vector{
        judge("sch_netem", "latency, duplicate, corrupt, reorder and losses in bursts",
              try_qdisc(*link, netem)),
        judge("sch_tbf", "bandwidth", try_qdisc(*link, Tbf{125'000, 10'000, 50'000})),
        judge("sch_htb", "all but partition and plain loss", try_qdisc(*link, Htb{})),
        judge("ifb", "the same for arriving packets", try_ifb(*link)),
        judge("nf_tables", "every network fault", try_nftables())};
}

}  // namespace

Result<std::vector<Ability>> abilities() {
    Result<std::vector<Ability>> found;
    std::thread{[&] { found = try_all(); }}.join();
    return found;
}

Abilities as_abilities(const std::vector<Ability>& found) {
    const auto there = [&](std::string_view module) {
        const auto it = std::ranges::find(found, module, &Ability::module);
        return it != found.end() && it->there;
    };
    return {there("sch_netem"), there("sch_tbf"), there("sch_htb"), there("ifb")};
}

}  // namespace chaos::network
