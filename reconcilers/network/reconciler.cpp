#include "reconcilers/network/reconciler.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <thread>

#include "controller/api/clock.h"
#include "reconcilers/container/process.h"
#include "reconcilers/network/ability.h"
#include "reconcilers/network/marks.h"

namespace chaos::network {
namespace {

namespace asio = boost::asio;

// Visits to different namespaces at the same time; the kernel serialises much of it anyway.
constexpr std::size_t kThreads = 2;
// How long the kernel takes to free what a transaction has removed: a grace period of RCU, and
// more.
constexpr Duration kFreed = std::chrono::milliseconds{100};
// A module may be loaded while the controller runs.
constexpr Duration kAbilitiesTtl = std::chrono::seconds{10};

using Shared = std::shared_ptr<Namespace>;

// The namespace of the life that the record names.
Result<Shared> open_life(const FaultRecord& record) {
    const auto& life = record.incarnation;
    auto space = Namespace::open(namespace_path(life.pid));
    if (!space) return std::unexpected(space.error());
    // Asked after it was opened: now it is known whose namespace that is.
    if (!container::is_in_container(life.pid, life.container_id)) {
        return fail(ErrorCode::kNotFound, "its first process has ended");
    }
    return std::make_shared<Namespace>(std::move(*space));
}

std::uint64_t recorded(const FaultRecord& record, const char* key) {
    std::uint64_t value = 0;
    const auto it = record.evidence.find(key);
    if (it == record.evidence.end()) return 0;
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
    return value;
}

// Inodes are given again as soon as a namespace is gone; cookies never are.
bool is_recorded(const Namespace& space, const FaultRecord& record) {
    const auto cookie = recorded(record, "netns_cookie");
    if (cookie == 0 || space.inode() != recorded(record, "netns")) return false;
    std::uint64_t found = 0;
    const auto entered = space.run([&] { found = namespace_cookie(); });
    return entered && found == cookie;
}

// A process that is in there, of whatever container; 0 where there is none.
int inhabitant_of(unsigned long inode) {
    for (const auto& [pid, container] : container::processes_by_container()) {
        if (namespace_of(pid) == inode) return pid;
    }
    return 0;
}

// The namespace that the fault was put into. It outlives the container that it was made for where
// others share it.
Result<Shared> open_recorded(const FaultRecord& record) {
    auto space = open_life(record);
    if (space || space.error().code != ErrorCode::kNotFound) return space;
    const auto inode = recorded(record, "netns");
    const int pid = inode == 0 ? 0 : inhabitant_of(inode);
    auto shared = pid == 0 ? fail(ErrorCode::kNotFound, "") : Namespace::open(namespace_path(pid));
    if (shared && is_recorded(*shared, record)) {
        return std::make_shared<Namespace>(std::move(*shared));
    }
    return fail(ErrorCode::kNotFound, "its network namespace is gone");
}

// By the boot clock.
TimePoint end_of(const FaultRecord& record) {
    return boot_now() + (record.ends_at.value_or(wall_now()) - wall_now());
}

std::string join(const std::vector<std::string>& parts) {
    constexpr std::size_t kShown = 10;
    std::string text;
    for (std::size_t i = 0; i < std::min(parts.size(), kShown); ++i) {
        text += (i == 0 ? "" : ", ") + parts[i];
    }
    if (parts.size() > kShown) text += " and " + std::to_string(parts.size() - kShown) + " more";
    return text;
}

void add_statistics(Effect& effect, const Report& report, int slot) {
    const auto it = report.statistics.find(slot);
    if (it == report.statistics.end()) return;
    const auto& seen = it->second;
    effect.evidence["packets"] = std::to_string(seen.packets);
    effect.evidence["dropped"] = std::to_string(seen.dropped);
    effect.evidence["backlog_bytes"] = std::to_string(seen.backlog);
}

Effect effect_of(const FaultRecord& record, const Report& report, unsigned long inode, int slot) {
    Effect effect{wall_now(), {}};
    effect.evidence["netns"] = std::to_string(inode);
    effect.evidence["netns_cookie"] = std::to_string(report.cookie);
    effect.evidence["slot"] = std::to_string(slot);
    const auto& fault = std::get<NetworkFault>(record.spec);
    if (fault.to && fault.to->names_addresses()) effect.evidence["to"] = join(record.peers.to);
    if (fault.except && fault.except->names_addresses()) {
        effect.evidence["except"] = join(record.peers.except);
    }
    if (fault.partition) effect.evidence["from"] = join(record.peers.partition);
    add_statistics(effect, report, slot);
    if (const auto it = report.statistics.find(slot); it != report.statistics.end()) {
        if (!it->second.disciplines.empty()) effect.evidence["by"] = it->second.disciplines;
        if (!it->second.interfaces.empty()) effect.evidence["interfaces"] = it->second.interfaces;
    }
    effect.put_back = report.put_back;
    return effect;
}

// Why a fault is not in force after a visit. Its life is there: what was not found is an interface
// or the like.
std::optional<Error> failure_of(const Result<Report>& report, int slot) {
    std::optional<Error> error;
    if (!report) {
        error = report.error();
    } else if (const auto it = report->tree.refused.find(slot); it != report->tree.refused.end()) {
        error = it->second;
    }
    if (error && error->code == ErrorCode::kNotFound) error->code = ErrorCode::kUnavailable;
    return error;
}

std::unexpected<Error> about(const FaultRecord& record, Error error) {
    return wrap(record.target + ": " + std::string{type_name(record.spec)}, std::move(error));
}

}  // namespace

struct NetworkReconciler::Place {
    explicit Place(Shared opened) : space(std::move(opened)) {}

    Shared space;
    Space faults;
    std::optional<Tree> made;                     // by the last visit
    std::vector<std::pair<int, TimePoint>> ends;  // as the kernel has them
    std::uint64_t version = 0;                    // of what is wanted
    std::uint64_t visited = 0;                    // the version that the last visit has covered
    Result<Report> last;
    bool busy = false;
    int users = 0;  // coroutines that wait for it
    std::vector<asio::steady_timer*> waiting;
};

namespace {

Task<> wait_in(std::vector<asio::steady_timer*>& waiting) {
    asio::steady_timer timer{co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max()};
    waiting.push_back(&timer);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    std::erase(waiting, &timer);
}

void wake(const std::vector<asio::steady_timer*>& waiting) {
    for (auto* timer : waiting) timer->cancel();
}

}  // namespace

NetworkReconciler::NetworkReconciler() : worker_(kThreads) {}
NetworkReconciler::~NetworkReconciler() = default;

NetworkReconciler::PlacePtr NetworkReconciler::place_of(Shared space) {
    auto& place = places_[space->inode()];
    if (!place) place = std::make_shared<Place>(std::move(space));
    return place;
}

NetworkReconciler::PlacePtr NetworkReconciler::find_place(const FaultRecord& record) const {
    for (const auto& [inode, place] : places_) {
        if (place->faults.slot_of(record)) return place;
    }
    return nullptr;
}

void NetworkReconciler::drop_if_idle(const PlacePtr& place) {
    if (place->faults.empty() && place->users == 0) places_.erase(place->space->inode());
}

Task<> NetworkReconciler::learn_abilities(bool wanted) {
    while (learning_) co_await wait_in(waiting_);
    const auto now = boot_now();
    const bool fresh = abilities_known_ && now < *abilities_known_ + kAbilitiesTtl;
    if (abilities_known_ && (abilities_ == Abilities{} || fresh || !wanted)) co_return;
    learning_ = true;
    auto probe = []() -> Result<std::vector<Ability>> {
        try {
            return abilities();
        } catch (const std::exception& error) {
            // No thread to be had: whoever waits to undo must not wait for ever.
            return fail(ErrorCode::kUnavailable, error.what());
        }
    };
    const auto found = co_await worker_.run(std::move(probe));
    // Where it cannot be told the kernel's own answers tell.
    if (found) abilities_ = as_abilities(*found);
    abilities_known_ = now;
    learning_ = false;
    wake(waiting_);
}

Task<Result<Report>> NetworkReconciler::visit_once(PlacePtr place) {
    co_await learn_abilities(false);
    Wish wish{.faults = place->faults.active(boot_now()),
              .abilities = abilities_,
              .made = place->made,
              .rearm = place->ends != place->faults.ends()};
    const auto ends = place->faults.ends();
    const auto faults = wish.faults;
    place->made.reset();  // nobody knows until it has come back
    auto work = [space = place->space, wish = std::move(wish)]() -> Result<Report> {
        Result<Report> report;
        const auto entered = space->run([&] {
            try {
                report = visit_each(wish);
            } catch (const std::exception& bug) {
                // Must not end the thread, and with it the controller.
                report = fail(ErrorCode::kInternal, bug.what());
            }
        });
        return entered ? std::move(report) : std::unexpected(entered.error());
    };
    auto report = co_await worker_.run(std::move(work));
    if (report) {
        // Later, when the kernel has freed what this visit has removed, it takes no time.
        const auto at = std::chrono::steady_clock::now() + kFreed;
        closer_.post([sockets = std::move(report->to_close), at]() mutable {
            std::this_thread::sleep_until(at);
            sockets.reset();
        });
        place->made = report->tree;
        place->ends = ends;
        place->faults.settle(faults, report->tree);
    }
    co_return report;
}

Task<Result<Report>> NetworkReconciler::bring(PlacePtr place) {
    const auto wanted = ++place->version;
    const auto executor = co_await asio::this_coro::executor;
    ++place->users;
    while (place->visited < wanted) {
        if (place->busy) {
            co_await wait_in(place->waiting);
            continue;
        }
        place->busy = true;
        // Whoever else is about to ask something of this namespace gets the chance to.
        co_await asio::post(executor, asio::use_awaitable);
        const auto covers = place->version;
        try {
            place->last = co_await visit_once(place);
        } catch (const std::exception& bug) {
            // Whoever waits for this place must not wait for ever.
            place->last = fail(ErrorCode::kInternal, bug.what());
        }
        place->visited = covers;
        place->busy = false;
        wake(place->waiting);
    }
    --place->users;
    co_return place->last;
}

Task<> NetworkReconciler::leave_others(const FaultRecord& record, unsigned long inode) {
    std::vector<PlacePtr> others;
    for (const auto& [other, place] : places_) {
        if (other != inode && place->faults.remove(record)) others.push_back(place);
    }
    for (const auto& place : others) {
        // Others may live there still. An error leaves it to the kernel's own end of the fault.
        static_cast<void>(co_await bring(place));
        drop_if_idle(place);
    }
}

Task<Result<Effect>> NetworkReconciler::inject(const FaultRecord& original, bool /*again*/) {
    const FaultRecord record = original;
    const auto space = open_life(record);
    co_await leave_others(record, space ? (*space)->inode() : 0);
    if (!space) co_return about(record, space.error());
    // The engine may have a namespace of its own, which is its containers' host.
    const auto& networks = record.peers.networks;
    if (is_of_host(**space) || std::ranges::find(networks, "host") != networks.end()) {
        co_return about(record, {ErrorCode::kInvalid,
                                 "it is in the host's network namespace (network_mode: host): what "
                                 "is done there would hit the whole host"});
    }
    co_await learn_abilities(true);
    const auto place = place_of(*space);
    const auto slot = place->faults.put(record, end_of(record));
    if (!slot) {
        drop_if_idle(place);
        co_return about(record, slot.error());
    }
    const auto report = co_await bring(place);
    auto failure = failure_of(report, *slot);
    if (!failure) co_return effect_of(record, *report, place->space->inode(), *slot);
    // Back to what was: the other faults go on, and this one as it was before.
    place->faults.reset(record);
    const auto undone = co_await bring(place);
    drop_if_idle(place);
    // Then nobody knows what is in force.
    if (!undone) failure->code = ErrorCode::kUnavailable;
    co_return about(record, *failure);
}

Task<Result<Effect>> NetworkReconciler::observe(const FaultRecord& original) {
    const FaultRecord record = original;
    const auto space = open_life(record);
    if (!space) co_return about(record, space.error());
    const auto place = place_of(*space);
    const auto slot = place->faults.put(record, end_of(record));
    if (!slot) {
        drop_if_idle(place);
        co_return about(record, slot.error());
    }
    const auto report = co_await bring(place);
    drop_if_idle(place);
    if (const auto failure = failure_of(report, *slot)) co_return about(record, *failure);
    co_return effect_of(record, *report, place->space->inode(), *slot);
}

Task<Result<Effect>> NetworkReconciler::undo(const FaultRecord& original) {
    const FaultRecord record = original;
    auto place = find_place(record);
    const auto space = place ? Result<Shared>{place->space} : open_recorded(record);
    if (!space) co_return about(record, space.error());
    if (!place) place = place_of(*space);
    const auto slot = place->faults.slot_of(record);
    place->faults.remove(record);
    const auto report = co_await bring(place);
    // Nobody lives there any more: it is held open by us alone.
    const bool gone = !open_life(record) && inhabitant_of(place->space->inode()) == 0;
    drop_if_idle(place);
    if (gone) {
        co_return about(record, {ErrorCode::kNotFound, "its network namespace is gone"});
    }
    if (!report) {
        auto error = report.error();
        // Only a namespace that is gone has taken the fault along.
        if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kUnavailable;
        co_return about(record, std::move(error));
    }
    Effect effect{wall_now(), {}};
    if (slot) add_statistics(effect, *report, *slot);
    co_return effect;
}

void NetworkReconciler::restore(const FaultRecord& record) {
    const auto space = open_recorded(record);
    if (!space || is_of_host(**space)) return;
    const auto place = place_of(*space);
    // Without a slot left it is the next injection's to say so.
    if (const auto slot = place->faults.put(record, end_of(record)); !slot) drop_if_idle(place);
}

Task<int> NetworkReconciler::sweep(std::set<std::string> container_ids) {
    auto find = [] { return find_all_marks(); };
    const auto marks = co_await worker_.run(std::move(find));
    int swept = 0;
    for (const auto& mark : marks.value_or(std::vector<Mark>{})) {
        if (mark.marks.live || !container_ids.contains(mark.container_id)) continue;
        auto opened = Namespace::open(namespace_path(mark.pid));
        if (!opened || is_of_host(*opened)) continue;
        const auto place = place_of(std::make_shared<Namespace>(std::move(*opened)));
        if (!place->faults.empty()) continue;
        const auto report = co_await bring(place);
        drop_if_idle(place);
        if (report) ++swept;
    }
    co_return swept;
}

}  // namespace chaos::network
