#include "reconcilers/network/ability.h"

#include <sched.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "reconcilers/network/rtnetlink.h"

namespace chaos::network {
namespace {

constexpr int kLoopback = 1;  // the index of lo in every new namespace
constexpr std::uint32_t kHandle = handle_of(0xc4a0, 0);

Ability try_one(Rtnetlink& link, const Discipline& discipline) {
    Ability ability{std::string{kind_of(discipline)}, false, ""};
    const auto put = link.put_qdisc(kLoopback, kNoParent, kHandle, discipline);
    ability.there = put.has_value();
    if (!put) ability.why = put.error().context;
    // Or the next one could not be tried.
    const auto removed = link.remove_qdisc(kLoopback, kNoParent, kHandle);
    if (!removed) ability = {ability.discipline, false, removed.error().context};
    return ability;
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
    std::vector<Ability> found;
    for (const Discipline& discipline :
         {Discipline{netem}, Discipline{Tbf{125'000, 10'000, 50'000}}, Discipline{Htb{}}}) {
        found.push_back(try_one(*link, discipline));
    }
    return found;
}

}  // namespace

Result<std::vector<Ability>> abilities() {
    Result<std::vector<Ability>> found;
    std::thread{[&] { found = try_all(); }}.join();
    return found;
}

}  // namespace chaos::network
