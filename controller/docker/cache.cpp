#include "controller/docker/cache.h"

#include <algorithm>

namespace chaos::docker {
namespace {

void sort_by_name(std::vector<Container>& containers) {
    std::ranges::sort(containers, {}, &Container::name);
}

// By how much an event may lag behind the answer to a request made after it.
constexpr Duration kRace = std::chrono::seconds{5};

Health to_health(const std::string& text) {
    if (text == "healthy") return Health::kHealthy;
    return text == "unhealthy" ? Health::kUnhealthy : Health::kStarting;
}

void set_health(Container& container, Health health, TimePoint since) {
    container.health = health;
    container.health_since = since;
}

}  // namespace

Container* Cache::find(const std::string& id) {
    const auto it = std::ranges::find(containers_, id, &Container::id);
    return it == containers_.end() ? nullptr : &*it;
}

const Container* Cache::find_name(const std::string& name) const {
    const auto it = std::ranges::lower_bound(containers_, name, {}, &Container::name);
    return it == containers_.end() || it->name != name ? nullptr : &*it;
}

bool Cache::outdated(const std::string& id, TimePoint as_of) const {
    const auto it = known_.find(id);
    if (it == known_.end() || !it->second.last_event) return false;
    // An event that is much newer is from before the clock was set back.
    return *it->second.last_event > as_of && *it->second.last_event - as_of < kRace;
}

void Cache::replace(std::vector<Container> listed, TimePoint as_of) {
    std::map<std::string, Known> known;
    std::erase_if(listed, [&](const Container& c) { return outdated(c.id, as_of); });
    for (const auto& [id, entry] : known_) {
        if (!outdated(id, as_of)) continue;
        known[id] = entry;
        if (const auto* old = find(id)) listed.push_back(*old);
    }
    for (auto& container : listed) {
        if (known.contains(container.id)) continue;
        auto& entry = known[container.id];
        entry.as_of = as_of;
        entry.has_health = container.health != Health::kNone;
        const auto* old = find(container.id);
        if (old == nullptr) continue;
        // The list does not say which life this is: what inspect told may be stale, so the next
        // look asks again. Health is as it was unless the list says otherwise.
        if (!container.exit_code) container.exit_code = old->exit_code;
        container.finished_at = old->finished_at;
        entry.has_health = entry.has_health || known_[container.id].has_health;
        if (container.health == old->health) container.health_since = old->health_since;
    }
    containers_ = std::move(listed);
    known_ = std::move(known);
    sort_by_name(containers_);
}

void Cache::update(Container inspected, TimePoint as_of) {
    if (outdated(inspected.id, as_of)) return;
    auto& entry = known_[inspected.id];
    entry.as_of = std::max(entry.as_of, as_of);
    entry.has_health = inspected.health != Health::kNone;
    if (auto* old = find(inspected.id)) {
        // The end of a probe in the log is later than the change it caused; the event is exact.
        if (old->health == inspected.health && old->health_since) {
            inspected.health_since = old->health_since;
        }
        if (!inspected.exit_code) inspected.exit_code = old->exit_code;
        const bool renamed = old->name != inspected.name;
        *old = std::move(inspected);
        if (renamed) sort_by_name(containers_);
    } else {
        containers_.push_back(std::move(inspected));
        sort_by_name(containers_);
    }
}

void Cache::erase(const std::string& id) {
    std::erase_if(containers_, [&](const Container& c) { return c.id == id; });
    // When it was last heard of is kept until the next list: a late answer must not revive it.
    auto& entry = known_[id];
    entry = {.as_of = entry.as_of, .last_event = entry.last_event};
}

Container& Cache::add(const Event& event) {
    Container container;
    container.id = event.id;
    container.name = event.name;
    container.image = event.image;
    container.labels = event.labels;
    container.state = ContainerState::kCreated;
    containers_.push_back(std::move(container));
    sort_by_name(containers_);
    return *find(event.id);
}

void Cache::died(Container& container, const Event& event) {
    container.state = ContainerState::kExited;
    container.incarnation.reset();
    container.addresses.clear();
    container.exit_code = event.exit_code;
    container.finished_at = event.time;
}

void Cache::started(Container& container, const Event& event) {
    container.state = ContainerState::kRunning;
    container.incarnation.reset();
    container.addresses.clear();
    container.started_at = event.time;
    if (known_[event.id].has_health) set_health(container, Health::kStarting, event.time);
}

bool Cache::moved(const Event& event) {
    Container* container = find(event.id);
    if (container == nullptr || !container->running()) return false;
    known_[event.id].last_event = event.time;
    container->incarnation.reset();  // inspect tells its networks and addresses anew
    return true;
}

bool Cache::apply(const Event& event) {
    if (event.action == "connect" || event.action == "disconnect") return moved(event);
    auto& entry = known_[event.id];
    // Older than what was asked for; but not if it is much older: then the clock was set back.
    if (event.time < entry.as_of && entry.as_of - event.time < kRace) return false;
    entry.last_event = event.time;
    if (event.action == "destroy") {
        erase(event.id);
        return true;
    }
    Container* found = find(event.id);
    Container& container = found != nullptr ? *found : add(event);
    if (event.action == "start") {
        started(container, event);
    } else if (event.action == "die") {
        died(container, event);
    } else if (event.action == "pause") {
        container.state = ContainerState::kPaused;
    } else if (event.action == "unpause") {
        container.state = ContainerState::kRunning;
        // Docker set the health to unhealthy at the pause, without an event, and counts anew (moby
        // #46203): until the next probe says otherwise the old "healthy" means nothing.
        if (entry.has_health) set_health(container, Health::kStarting, event.time);
    } else if (event.action == "health_status") {
        entry.has_health = true;
        set_health(container, to_health(event.detail), event.time);
    } else if (event.action == "rename") {
        container.name = event.name;
        sort_by_name(containers_);
    } else {
        return found == nullptr;
    }
    return true;
}

}  // namespace chaos::docker
