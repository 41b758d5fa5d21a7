// verify-clean: proves that nothing of this project is in force, from the journal, from Docker and
// from the kernel.
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/store/store.h"
#include "reconcilers/network/marks.h"
#include "reconcilers/stress/stressor.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

// Whether Docker bears out what the journal says; where the container is gone, so is the fault.
bool still_there(const FaultRecord& fault, const std::vector<Container>& containers) {
    const auto container =
        std::ranges::find(containers, fault.incarnation.container_id, &Container::id);
    if (container == containers.end()) return false;
    // The kernel tells: see find_all below.
    if (is_supervised(fault.spec)) return false;
    if (std::holds_alternative<ContainerPause>(fault.spec)) {
        return container->state == ContainerState::kPaused;
    }
    return !container->running();
}

struct Left {
    std::string experiment;
    FaultRecord fault;
};

// What the kernel has of ours, whatever the journal says.
struct Found {
    const char* type;
    std::string container_id;
    int pid = 0;
    std::string what;
    std::string by_hand;
    const char* place;
};

Result<std::vector<Found>> find_all() {
    std::vector<Found> all;
    const auto marks = network::find_all_marks();
    if (!marks) return wrap("network namespaces", marks.error());
    for (const auto& mark : *marks) {
        for (const auto& item : mark.marks.items) {
            all.push_back(
                {"network", mark.container_id, mark.pid, item.what,
                 "nsenter --net=/proc/" + std::to_string(mark.pid) + "/ns/net " + item.by_hand,
                 "in the network namespace of "});
        }
    }
    const auto stressors = stress::find_stressors();
    if (!stressors) return wrap("stressors", stressors.error());
    for (const auto& stressor : *stressors) {
        const auto pid = std::to_string(stressor.process.pid);
        const auto& [uid, container_id, target] = stressor.purpose;
        all.push_back({"stress", container_id, stressor.process.pid,
                       "process " + pid + " (" + stress::kProgram + " " + uid + ")",
                       "kill -9 " + pid, "in the control groups of "});
    }
    return all;
}

std::string name_of(const Found& found, const std::vector<Container>& containers) {
    const auto it = std::ranges::find(containers, found.container_id, &Container::id);
    if (it != containers.end()) return "container " + it->name;
    return "process " + std::to_string(found.pid) +
           ", which is in no container of this engine (another controller's, perhaps)";
}

Node tree_of(const std::vector<Left>& left, const std::vector<Found>& found,
             const std::vector<Container>& containers) {
    Node node = manifest::map_node();
    node.add("clean", manifest::flag_node(left.empty() && found.empty()));
    Node list = manifest::list_node();
    for (const auto& [experiment, fault] : left) {
        Node item = manifest::map_node();
        item.add("experiment", manifest::text_node(experiment));
        item.add("type", manifest::text_node(type_name(fault.spec)));
        item.add("target", manifest::text_node(fault.target));
        item.add("by_hand", manifest::text_node(manual_undo(fault.spec, fault.target)));
        list.items.push_back(std::move(item));
    }
    for (const auto& one : found) {
        Node entry = manifest::map_node();
        entry.add("type", manifest::text_node(one.type));
        entry.add("target", manifest::text_node(name_of(one, containers)));
        entry.add("what", manifest::text_node(one.what));
        entry.add("by_hand", manifest::text_node(one.by_hand));
        list.items.push_back(std::move(entry));
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
    const auto found = find_all();
    if (!found) return failed(context, found.error().context);
    std::vector<Container> containers;
    if (!left.empty() || !found->empty()) {
        auto listed = list_containers(context.docker_host);
        // Without Docker what the kernel has can still be told.
        if (!listed && !left.empty()) return failed(context, listed.error().context);
        containers = std::move(listed).value_or(std::vector<Container>{});
        std::erase_if(left, [&](const Left& l) { return !still_there(l.fault, containers); });
    }
    const bool clean = left.empty() && found->empty();
    if (print_tree(context, tree_of(left, *found, containers))) return clean ? kOk : kFailed;
    for (const auto& [experiment, fault] : left) {
        context.out << type_name(fault.spec) << " on " << fault.target
                    << " is in force; by hand: " << manual_undo(fault.spec, fault.target) << '\n';
    }
    for (const auto& one : *found) {
        context.out << one.what << " is " << one.place << name_of(one, containers)
                    << "; by hand: " << one.by_hand << '\n';
    }
    if (!clean) return kFailed;
    context.out << "clean: nothing that the journal in " << context.state_dir
                << " knows of is in force, no network namespace has our mark, and no stressor "
                   "runs\n";
    return kOk;
}

}  // namespace chaos::ctl
