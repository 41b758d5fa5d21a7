// Which faults a network namespace is to have: a plain data structure. Times are by the boot clock:
// a wall clock that is stepped changes nothing about what is left.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/api/run.h"
#include "reconcilers/network/merge.h"

namespace chaos::network {

class Space {
public:
    // Adds the fault, or gives it other parameters, addresses or another end; answers its slot.
    // Containers that share the namespace are members of one fault, if the same action of the same
    // experiment asks the same for each: it holds once, until the last one's end. Errors: kConflict
    // (no slot is left).
    [[nodiscard]] Result<int> put(const FaultRecord& record, TimePoint ends_at);
    // False where it was not there.
    bool remove(const FaultRecord& record);
    // Takes a put back that was refused: what was in force before is wanted again.
    void reset(const FaultRecord& record);
    // These are in the kernel now, all but those that were refused.
    void settle(const std::vector<Active>& made, const Tree& tree);

    [[nodiscard]] bool empty() const { return groups_.empty(); }
    [[nodiscard]] std::optional<int> slot_of(const FaultRecord& record) const;
    // By slot. `now`: what is left until their ends counts from here.
    [[nodiscard]] std::vector<Active> active(TimePoint now) const;
    // The end of each, by slot.
    [[nodiscard]] std::vector<std::pair<int, TimePoint>> ends() const;

private:
    struct Member {
        std::string uid;
        std::string target;
        TimePoint ends_at;
        bool settled = false;
    };
    struct Wanted {
        NetworkFault fault;
        PeerAddresses peers;
        int slot = 0;
    };
    struct Group {
        std::string experiment;
        std::string action;  // of the fault's id, without the container
        Wanted wanted;
        std::optional<Wanted> settled;  // as it is in the kernel
        std::vector<Member> members;

        [[nodiscard]] TimePoint ends_at() const;
    };

    [[nodiscard]] static bool has(const Group& group, const FaultRecord& record);
    [[nodiscard]] std::vector<Group>::iterator find(const FaultRecord& record);
    [[nodiscard]] std::vector<Group>::iterator find_kin(const FaultRecord& record);
    [[nodiscard]] std::optional<int> free_slot(const FaultRecord& record) const;

    std::vector<Group> groups_;
};

}  // namespace chaos::network
