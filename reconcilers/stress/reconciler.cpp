#include "reconcilers/stress/reconciler.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/clock.h"
#include "reconcilers/container/process.h"
#include "reconcilers/stress/directory.h"
#include "reconcilers/stress/prepare.h"

namespace chaos::stress {
namespace {

namespace asio = boost::asio;

// Starting takes milliseconds; on a host under load, or in emulation, seconds.
constexpr Duration kStartPatience = std::chrono::seconds{10};
constexpr Duration kFrozenLook = std::chrono::milliseconds{100};
// Taking over other orders; a stressor that is frozen does it when it is thawed.
constexpr Duration kChangePatience = std::chrono::milliseconds{500};
constexpr Duration kChangeLook = std::chrono::milliseconds{1};
// After SIGKILL: at once, unless it is frozen or its memory takes long to be freed.
constexpr Duration kThawAfter = std::chrono::milliseconds{50};
constexpr Duration kEndPatience = std::chrono::seconds{3};

std::unexpected<Error> about(const FaultRecord& record, Error error) {
    return wrap(record.target + ": " + std::string{type_name(record.spec)}, std::move(error));
}

bool is_life_over(const FaultRecord& record) {
    return container::is_life_over(record.incarnation.pid, record.incarnation.container_id);
}

Error life_is_over() { return {ErrorCode::kNotFound, "its first process has ended"}; }

// Waits until the descriptor can be read, at most that long. It is not ours to close.
Task<> wait_readable(int fd, Duration patience) {
    using namespace asio::experimental::awaitable_operators;
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        co_await sleep_for(std::min(patience, kFrozenLook));
        co_return;
    }
    asio::posix::stream_descriptor descriptor{co_await asio::this_coro::executor, copy};
    constexpr auto kRead = asio::posix::stream_descriptor::wait_read;
    co_await (descriptor.async_wait(kRead, asio::as_tuple(asio::use_awaitable)) ||
              sleep_for(patience));
}

Look look_at(const Stressor& stressor, const Cgroup& cgroup) {
    Look look{.at = boot_now(), .usage = cgroup.usage()};
    if (stressor.shared) look.held = held_by(stressor.shared->report);
    look.limits = cgroup.limits();
    look.cpus = cpus_of(stressor.process.pid);
    return look;
}

// Of the file system that it writes to. May block.
std::optional<Space> space_for(const Stressor& stressor) {
    const auto path =
        "/proc/" + std::to_string(stressor.process.pid) + "/fd/" + std::to_string(kDirectoryFd);
    const Descriptor directory{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    const auto space = space_of(directory.get());
    return space ? std::optional{*space} : std::nullopt;
}

Task<bool> end_process(const Process& process) {
    process.kill();
    co_await wait_readable(process.descriptor.get(), kThawAfter);
    if (!process.ended()) {
        thaw(process);
        co_await wait_readable(process.descriptor.get(), kEndPatience);
    }
    co_return process.ended();
}

}  // namespace

StressReconciler::StressReconciler(std::string program, Keeper keeper)
    : program_(std::move(program)), keeper_(std::move(keeper)) {}

void StressReconciler::reap() {
    for (auto it = running_.begin(); it != running_.end();) {
        if (it->second->stressor.process.ended()) ending_.push_back(std::move(it->second));
        it = it->second ? std::next(it) : running_.erase(it);
    }
    std::erase_if(ending_, [](const RunningPtr& one) {
        if (!one->stressor.process.ended()) return false;
        one->stressor.reap();
        return true;
    });
}

Task<Result<>> StressReconciler::find_left() {
    if (looked_) co_return Result<>{};
    auto search = [this] { return find_stressors(keeper_); };
    auto found = co_await finder_.run(std::move(search));
    if (!found) co_return std::unexpected(found.error());
    if (looked_) co_return Result<>{};  // somebody else was quicker
    looked_ = true;
    left_ = std::move(*found);
    std::erase_if(left_, [](const Stressor& stressor) { return !stressor.ours; });
    co_return Result<>{};
}

StressReconciler::RunningPtr StressReconciler::take_left(const FaultRecord& record) {
    const auto it = std::ranges::find(left_, purpose_of(record), &Stressor::purpose);
    if (it == left_.end()) return nullptr;
    auto running = std::make_shared<Running>(Running{.stressor = std::move(*it)});
    left_.erase(it);
    if (running->stressor.process.ended()) return nullptr;
    // Without it there is less to be seen; it can be ended all the same.
    if (auto cgroup = Cgroup::of(running->stressor.process.pid))
        running->cgroup = std::move(*cgroup);
    running->first = running->before = look_at(running->stressor, running->cgroup);
    add_earlier(running->first, record.evidence);
    beginnings_[record.uid] = {running->stressor.purpose, running->first};
    return running_[record.uid] = running;
}

Task<Result<StressReconciler::RunningPtr>> StressReconciler::find(FaultRecord record) {
    const auto left = co_await find_left();
    if (!left) co_return std::unexpected(left.error());
    reap();
    const auto it = running_.find(record.uid);
    if (it == running_.end()) co_return take_left(record);
    if (it->second->stressor.purpose == purpose_of(record)) co_return it->second;
    // Of a life that is over: it is about to end by itself.
    it->second->stressor.process.kill();
    ending_.push_back(std::move(it->second));
    running_.erase(it);
    co_return RunningPtr{};
}

Task<Result<>> StressReconciler::wait_until_ready(RunningPtr running) {
    const auto until = boot_now() + kStartPatience;
    while (boot_now() < until) {
        co_await wait_readable(running->stressor.ready.get(), kFrozenLook);
        const auto ready = read_ready(running->stressor);
        if (!ready) co_return std::unexpected(ready.error());
        if (*ready && running->stressor.shared->report.lacks_threads != 0) {
            co_return fail(ErrorCode::kUnavailable,
                           "the container's limit of processes leaves its stressor too few");
        }
        if (*ready) co_return Result<>{};
        if (running->cgroup.frozen()) break;
    }
    co_return fail(ErrorCode::kUnavailable,
                   running->cgroup.frozen() ? "the container was paused: its stressor cannot start"
                                            : "its stressor does not start");
}

Task<Result<StressReconciler::RunningPtr>> StressReconciler::launch(FaultRecord record) {
    const int program = program_.descriptor();
    if (program < 0) {
        co_return fail(ErrorCode::kUnsupported,
                       program_.path() + " is missing; it belongs beside chaos-controller");
    }
    auto work = [this, program, record] { return start_for(record, program, keeper_); };
    auto started = co_await files_.run(std::move(work));
    if (!started) co_return std::unexpected(started.error());
    auto running = std::make_shared<Running>(
        Running{.stressor = std::move(started->stressor), .cgroup = std::move(started->cgroup)});
    running->first = running->before = look_at(running->stressor, running->cgroup);
    auto& beginning = beginnings_[record.uid];
    if (beginning.purpose == running->stressor.purpose) {
        running->first = beginning.look;
    } else {
        beginning = {running->stressor.purpose, running->first};
    }
    // Known from now on: whatever comes, it is found and ended.
    running_[record.uid] = running;
    const auto ready = co_await wait_until_ready(running);
    if (ready) {
        running->stressor.ready = Descriptor{};
        co_return running;
    }
    if (co_await end(running)) reap();
    co_return is_life_over(record) ? std::unexpected(life_is_over())
                                   : std::unexpected(ready.error());
}

Task<Result<>> StressReconciler::command(RunningPtr running, FaultRecord record) {
    auto work = [running, record] {
        return orders_for(record, running->cgroup, *running->stressor.shared);
    };
    const auto orders = co_await files_.run(std::move(work));
    auto& shared = *running->stressor.shared;
    if (!orders) {
        // Whatever else is refused, it ends when it is to end.
        if (auto kept = orders_of(shared)) {
            kept->orders.ends_at_ns = boot_end_of(record);
            give_orders(shared, kept->orders);
            running->stressor.wake();
        }
        co_return std::unexpected(orders.error());
    }
    give_orders(shared, *orders);
    set_oom_score_adj(running->stressor, oom_score_adj_of(fault_of(record)));
    running->stressor.wake();
    const auto wanted = shared.version.load();
    const auto until = boot_now() + kChangePatience;
    while (shared.obeyed.load() != wanted && boot_now() < until &&
           !running->stressor.process.ended()) {
        if (!co_await sleep_for(kChangeLook)) break;
    }
    co_return Result<>{};
}

Task<Result<StressReconciler::RunningPtr>> StressReconciler::bring(FaultRecord record) {
    auto found = co_await find(record);
    if (!found) co_return found;
    auto running = *found;
    // One whose orders cannot be changed, or whose files are elsewhere.
    const bool other =
        running && (!running->stressor.shared ||
                    running->stressor.shared->directory != directory_hash(fault_of(record)));
    if (other) {
        // Refused before the one that runs is ended.
        auto work = [record] { return check_directory(record); };
        const auto there = co_await files_.run(std::move(work));
        if (!there) co_return std::unexpected(there.error());
        if (!co_await end(running)) {
            co_return fail(ErrorCode::kUnavailable, "its stressor does not end");
        }
        running.reset();
    }
    if (!running) {
        auto launched = co_await launch(record);
        co_return launched;
    }
    const auto commanded = co_await command(running, record);
    if (!commanded) co_return std::unexpected(commanded.error());
    co_return running;
}

Task<Result<Effect>> StressReconciler::inject(const FaultRecord& original, bool /*again*/) {
    const FaultRecord record = original;
    if (is_life_over(record)) co_return about(record, life_is_over());
    const auto running = co_await bring(record);
    if (!running) co_return about(record, running.error());
    const auto& stressor = (*running)->stressor;
    Effect effect{wall_now(), {}};
    effect.evidence["stressor_pid"] = std::to_string(stressor.process.pid);
    if (stressor.shared->obeyed.load() != stressor.shared->version.load()) {
        effect.evidence["stressor_note"] = "paused: its orders are carried out when it goes on";
    }
    co_return effect;
}

Task<Result<Effect>> StressReconciler::observe(const FaultRecord& original) {
    const FaultRecord record = original;
    if (is_life_over(record)) co_return about(record, life_is_over());
    const auto found = co_await find(record);
    if (!found) co_return about(record, found.error());
    auto running = *found;
    const bool put_back = running == nullptr;
    if (put_back) {
        const auto launched = co_await launch(record);
        if (!launched) co_return about(record, launched.error());
        running = *launched;
    }
    auto work = [running, fills = fault_of(record).fill.has_value()] {
        auto look = look_at(running->stressor, running->cgroup);
        if (fills) look.space = space_for(running->stressor);
        return look;
    };
    const auto now = co_await files_.run(std::move(work));
    const auto& shared = running->stressor.shared;
    const auto given = shared ? orders_of(*shared) : std::nullopt;
    Effect effect{wall_now(), {}};
    effect.put_back = put_back;
    effect.evidence = evidence_of(fault_of(record), given ? given->orders : Orders{},
                                  running->first, running->before, now);
    effect.evidence["stressor_pid"] = std::to_string(running->stressor.process.pid);
    running->before = now;
    co_return effect;
}

Task<bool> StressReconciler::end(RunningPtr running) {
    const auto& stressor = running->stressor;
    const auto decoys = stressor.decoys();
    bool all = co_await end_process(stressor.process);
    // They end with it, but for those that are frozen.
    for (const auto& decoy : decoys) all = co_await end_process(decoy) && all;
    stressor.reap();
    co_return all;
}

Task<Result<Effect>> StressReconciler::undo(const FaultRecord& original) {
    const FaultRecord record = original;
    const auto running = co_await find(record);
    if (!running) co_return about(record, running.error());
    Effect effect{wall_now(), {}};
    if (*running) {
        if (!co_await end(*running)) {
            co_return about(record, {ErrorCode::kUnavailable, "its stressor does not end"});
        }
        effect.at = wall_now();
        const auto used = (*running)->cgroup.memory();
        if (used && fault_of(record).memory) {
            effect.evidence["memory_bytes_after"] = std::to_string(*used);
        }
    }
    reap();
    beginnings_.erase(record.uid);
    if (is_life_over(record)) co_return about(record, life_is_over());
    co_return effect;
}

Task<int> StressReconciler::sweep() {
    int swept = 0;
    if (!co_await find_left()) co_return swept;
    // Before anything is waited for: meanwhile others take what is theirs.
    const auto orphans = std::ranges::partition(
        left_, [&](const Stressor& stressor) { return known_.contains(stressor.purpose.uid); });
    std::vector<RunningPtr> lost;
    for (auto& stressor : orphans) {
        lost.push_back(std::make_shared<Running>(Running{.stressor = std::move(stressor)}));
    }
    left_.erase(orphans.begin(), orphans.end());
    for (const auto& one : lost) {
        if (co_await end(one)) ++swept;
    }
    co_return swept;
}

}  // namespace chaos::stress
