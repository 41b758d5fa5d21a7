// What is known of every container: filled by a list, kept up by events, completed by inspect. A
// plain data structure; the I/O is in engine.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/docker/codec.h"

namespace chaos::docker {

class Cache {
public:
    // A full list: what it lacks is gone. `as_of` is when the list was asked for: older events are
    // ignored afterwards, and what an event has told since stays as it is. What only inspect tells
    // is kept for lives that went on.
    void replace(std::vector<Container> listed, TimePoint as_of);

    // Applies one event; false where it changed nothing that anybody looks at.
    bool apply(const Event& event);

    // An inspect's answer, asked for at `as_of`; ignored where an event has told more since.
    void update(Container inspected, TimePoint as_of);

    void erase(const std::string& id);

    [[nodiscard]] const std::vector<Container>& containers() const { return containers_; }
    [[nodiscard]] const Container* find_name(const std::string& name) const;

private:
    struct Known {
        TimePoint as_of;
        bool has_health = false;
        std::optional<TimePoint> last_event;  // kept for a while of containers that are gone, too
    };

    // What is known is newer than an answer to what was asked at `as_of`.
    [[nodiscard]] bool outdated(const std::string& id, TimePoint as_of) const;

    Container* find(const std::string& id);
    Container& add(const Event& event);
    bool moved(const Event& event);
    void died(Container& container, const Event& event);
    void started(Container& container, const Event& event);

    std::vector<Container> containers_;   // by name
    std::map<std::string, Known> known_;  // by id
};

}  // namespace chaos::docker
