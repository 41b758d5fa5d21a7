#include "controller/runtime/controller.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "controller/api/clock.h"
#include "controller/manifest/decode.h"
#include "controller/telemetry/log.h"

namespace chaos::runtime {
namespace {

constexpr std::size_t kMaxInWork = 32;  // keys that undo nothing; those that do are not counted
constexpr Duration kBugRetry = std::chrono::seconds{1};

void report_bug(std::string_view what) {
    log::error("a task ended by an exception: this is a bug", {{"what", what}});
}

}  // namespace

Controller::Controller(boost::asio::any_io_executor executor, Settings settings, World& world,
                       Gatekeeper& gatekeeper, ReconcilerTable reconcilers,
                       source::Desired& desired, store::Store store, Publisher& publisher,
                       telemetry::Metrics& metrics)
    : settings_(std::move(settings)),
      world_(world),
      gatekeeper_(gatekeeper),
      desired_(desired),
      store_(std::move(store)),
      publisher_(publisher),
      metrics_(metrics),
      tasks_(executor, report_bug),
      executor_(world, reconcilers, report_bug, metrics),
      wakeup_(executor) {}

Result<> Controller::restore() {
    auto loaded = store_.load();
    if (!loaded) return std::unexpected(loaded.error());
    fired_ = std::move(loaded->fired);
    notes_ = std::move(loaded->notes);
    gatekeeper_.halt(noted(std::string{kHaltedNote}));
    metrics_.halted(!gatekeeper_.halted().empty());
    for (auto& run : loaded->runs) {
        auto& known = known_[run.experiment];
        known.history = std::move(loaded->history[run.experiment]);
        if (!run.finished())
            std::erase_if(known.history, [&](const auto& h) { return h.id == run.id; });
        executor_.restore(run);
        known.probes = run.probes;
        known.run = std::move(run);
    }
    for (const auto& stored : loaded->experiments) {
        auto& known = known_[stored.name];
        known.generation = stored.generation;
        known.digest = stored.digest;
        known.stored = std::hash<std::string>{}(stored.text);
        known.path = stored.path;
        if (!known.active()) continue;
        // A run goes on, so its last good spec is needed even if the file is broken or gone by now.
        for (auto& document : manifest::decode(stored.text, gatekeeper_.config().custom_actions)) {
            if (!document.experiment) continue;
            known.good = std::make_shared<const source::Good>(source::Good{
                std::move(*document.experiment), document.digest, stored.text, stored.path, 0});
            desired_.seed(stored.name, known.good);
        }
    }
    restore_schedules();
    restore_due();
    restore_monkey_hits();
    for (const auto& [name, known] : known_) {
        note_running(name);
        if (known.active()) queue_.add(name, known.run->holds_faults());
    }
    restored_ = true;
    return {};
}

void Controller::wake() { wakeup_.cancel(); }

void Controller::enqueue(const std::set<std::string>& names) {
    for (const auto& name : names) {
        // A deletion, and an edit of what is in force, may undo something.
        const auto it = known_.find(name);
        queue_.add(name, it != known_.end() && it->second.run && it->second.run->holds_faults());
    }
    wake();
}

void Controller::first_look() {
    if (std::exchange(looked_, true)) return;
    for (const auto& [name, known] : known_) {
        if (!desired_.entries().contains(name)) queue_.add(name, known.active());
    }
    wake();
}

void Controller::enqueue_active() {
    gatekeeper_.look_again();
    for (const auto& [name, known] : known_) {
        if (known.active()) queue_.add(name, known.run->holds_faults());
    }
    for (const auto& [name, entry] : desired_.entries()) {
        if (!known_.contains(name)) queue_.add(name);
    }
    wake();
}

void Controller::stop(Duration patience) {
    stop_by_ = boot_now() + patience;
    enqueue_active();
}

std::size_t Controller::active() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(known_, [](const auto& k) { return k.second.active(); }));
}

bool Controller::holds_faults() const {
    return std::ranges::any_of(
        known_, [](const auto& k) { return k.second.run && k.second.run->holds_faults(); });
}

Task<> Controller::run() {
    for (;;) {
        start_ready_keys();
        if (stop_by_) {
            const bool busy = queue_.in_work() > 0 || queue_.waiting() > 0;
            if ((!busy && !holds_faults()) || boot_now() >= *stop_by_) break;
        }
        if (gatekeeper_.draining() && running_.empty()) break;
        auto next = queue_.next_time().value_or(boot_now() + std::chrono::hours{1});
        if (stop_by_) next = std::min(next, *stop_by_);
        wakeup_.expires_after(std::max(next - boot_now(), Duration{0}));
        co_await wakeup_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    leaving_ = true;
    co_await tasks_.join();
}

void Controller::start_ready_keys() {
    while (auto name = queue_.take(boot_now(), queue_.in_work() >= kMaxInWork)) {
        tasks_.spawn(work(std::move(*name)));
    }
    metrics_.queue_depth(queue_.waiting());
    // Counting takes a look at every experiment, so it is left for when there is nothing else to
    // do.
    if (queue_.waiting() == 0 && queue_.in_work() == 0) metrics_.runs_active(active());
}

Task<> Controller::work(std::string name) {
    const auto start = std::chrono::steady_clock::now();
    bool ok = true;
    try {
        const auto again = co_await reconcile(name);
        // By the clock that cannot be stepped, or a step would make it early or late.
        if (again) queue_.add_at(name, boot_now() + (*again - wall_now()));
    } catch (const std::exception& error) {
        // Whatever it is, the key must come again: it may hold faults.
        ok = false;
        log::error("reconcile ended by an exception: this is a bug",
                   {{"experiment", name}, {"what", error.what()}});
        queue_.add_at(name, boot_now() + kBugRetry);
    }
    metrics_.reconciled(ok, std::chrono::steady_clock::now() - start);
    queue_.done(name);
    wake();
}

}  // namespace chaos::runtime
