// verify-clean: proves that nothing of this project is in force, from the journal and from Docker.
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/store/store.h"

namespace chaos::ctl {
namespace {

// Whether Docker bears out what the journal says; where the container is gone, so is the fault.
bool still_there(const FaultRecord& fault, const std::vector<Container>& containers) {
    const auto container =
        std::ranges::find(containers, fault.incarnation.container_id, &Container::id);
    if (container == containers.end()) return false;
    if (std::holds_alternative<ContainerPause>(fault.spec)) {
        return container->state == ContainerState::kPaused;
    }
    return !container->running();
}

}  // namespace

int verify_clean(const Context& context) {
    if (!std::filesystem::exists(context.state_dir + "/state.db")) {
        context.err << "chaosctl: no journal in " << context.state_dir
                    << "; --state-dir must be that of the controller\n";
        return kFailed;
    }
    const auto runs = store::Store::peek(context.state_dir);
    if (!runs) {
        context.err << "chaosctl: " << runs.error().context << '\n';
        return kFailed;
    }
    std::vector<FaultRecord> held;
    for (const auto& run : *runs) {
        std::ranges::copy_if(run.faults, std::back_inserter(held), &FaultRecord::holds);
    }
    if (held.empty()) {
        context.out << "clean: the journal in " << context.state_dir << " has nothing in force\n";
        return kOk;
    }
    const auto containers = list_containers(context.docker_host);
    if (!containers) {
        context.err << "chaosctl: " << containers.error().context << '\n';
        return kFailed;
    }
    std::size_t left = 0;
    for (const auto& fault : held) {
        if (!still_there(fault, *containers)) continue;
        ++left;
        context.out << type_name(fault.spec) << " on " << fault.target
                    << " is in force; by hand: " << manual_undo(fault.spec, fault.target) << '\n';
    }
    if (left == 0)
        context.out << "clean: no container is as the journal's open faults would have it\n";
    return left == 0 ? kOk : kFailed;
}

}  // namespace chaos::ctl
