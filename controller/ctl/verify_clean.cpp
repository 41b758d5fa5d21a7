// verify-clean: proves that nothing of this project is in force, from the journal and from Docker.
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/store/store.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

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

struct Left {
    std::string experiment;
    FaultRecord fault;
};

Node tree_of(const std::vector<Left>& left) {
    Node node = manifest::map_node();
    node.add("clean", manifest::flag_node(left.empty()));
    Node list = manifest::list_node();
    for (const auto& [experiment, fault] : left) {
        Node item = manifest::map_node();
        item.add("experiment", manifest::text_node(experiment));
        item.add("type", manifest::text_node(type_name(fault.spec)));
        item.add("target", manifest::text_node(fault.target));
        item.add("by_hand", manifest::text_node(manual_undo(fault.spec, fault.target)));
        list.items.push_back(std::move(item));
    }
    node.add("in_force", std::move(list));
    return node;
}

}  // namespace

int verify_clean(const Context& context) {
    if (!std::filesystem::exists(context.state_dir + "/state.db")) {
        return failed(context, "no journal in " + context.state_dir +
                                   "; --state-dir must be that of the controller");
    }
    const auto runs = store::Store::peek(context.state_dir);
    if (!runs) return failed(context, runs.error().context);
    std::vector<Left> left;
    for (const auto& run : *runs) {
        for (const auto& fault : run.faults) {
            if (fault.holds()) left.push_back({run.experiment, fault});
        }
    }
    if (!left.empty()) {
        const auto containers = list_containers(context.docker_host);
        if (!containers) return failed(context, containers.error().context);
        std::erase_if(left, [&](const Left& l) { return !still_there(l.fault, *containers); });
    }
    if (print_tree(context, tree_of(left))) return left.empty() ? kOk : kFailed;
    for (const auto& [experiment, fault] : left) {
        context.out << type_name(fault.spec) << " on " << fault.target
                    << " is in force; by hand: " << manual_undo(fault.spec, fault.target) << '\n';
    }
    if (!left.empty()) return kFailed;
    context.out << "clean: nothing that the journal in " << context.state_dir
                << " knows of is in force\n";
    return kOk;
}

}  // namespace chaos::ctl
