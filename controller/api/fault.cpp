#include "controller/api/fault.h"

#include <csignal>
#include <cstring>

#include "controller/api/names.h"

namespace chaos {
namespace {

struct TypeName {
    std::string_view operator()(const ContainerKill& /*unused*/) const { return "container_kill"; }
    std::string_view operator()(const ContainerPause& /*unused*/) const {
        return "container_pause";
    }
    std::string_view operator()(const ContainerStop& /*unused*/) const { return "container_stop"; }
    std::string_view operator()(const ContainerRestart& /*unused*/) const {
        return "container_restart";
    }
    std::string_view operator()(const ContainerRemove& /*unused*/) const {
        return "container_remove";
    }
    std::string_view operator()(const ProcessKill& /*unused*/) const { return "process_kill"; }
    std::string_view operator()(const NetworkFault& fault) const { return type_name(fault.action); }
    std::string_view operator()(const StressFault& fault) const { return type_name(fault.action); }
    std::string_view operator()(const CustomFault& fault) const { return fault.name; }
};

}  // namespace

std::string_view type_name(NetworkAction action) { return find_name(names_of(action), action); }

std::string_view type_name(StressAction action) { return find_name(names_of(action), action); }

std::string_view type_name(const FaultSpec& fault) { return std::visit(TypeName{}, fault); }

bool is_instant(const FaultSpec& fault) {
    if (const auto* custom = std::get_if<CustomFault>(&fault)) return custom->action.undo.empty();
    return !std::holds_alternative<ContainerPause>(fault) &&
           !std::holds_alternative<ContainerStop>(fault) && !is_supervised(fault);
}

bool is_supervised(const FaultSpec& fault) {
    return std::holds_alternative<NetworkFault>(fault) ||
           std::holds_alternative<StressFault>(fault);
}

bool ends_life(const FaultSpec& fault) {
    if (const auto* kill = std::get_if<ContainerKill>(&fault)) return kill->signal == 9;
    return std::holds_alternative<ContainerRestart>(fault) ||
           std::holds_alternative<ContainerRemove>(fault);
}

Duration longest_effect(const FaultSpec& fault) {
    constexpr Duration kMargin = std::chrono::seconds{3};
    if (const auto* stop = std::get_if<ContainerStop>(&fault)) return stop->grace + kMargin;
    if (const auto* restart = std::get_if<ContainerRestart>(&fault))
        return restart->grace + kMargin;
    if (const auto* remove = std::get_if<ContainerRemove>(&fault)) return remove->grace + kMargin;
    if (const auto* custom = std::get_if<CustomFault>(&fault)) {
        return custom->action.timeout + kMargin;
    }
    return Duration{0};
}

std::string manual_undo(const FaultSpec& fault, const std::string& container) {
    if (std::holds_alternative<NetworkFault>(fault)) {
        return "nsenter --net=/proc/$(docker inspect -f '{{.State.Pid}}' " + container +
               ")/ns/net sh -c 'nft delete table inet chaos_sutazai; nft delete table netdev "
               "chaos_sutazai; tc qdisc del dev eth0 root' (likewise for its other interfaces)";
    }
    if (std::holds_alternative<StressFault>(fault)) {
        return "docker top " + container + ", and kill -9 what is called chaos-stressor there";
    }
    if (const auto* custom = std::get_if<CustomFault>(&fault)) {
        std::string command;
        for (const auto& word : custom->action.undo) command += (command.empty() ? "" : " ") + word;
        return "run the undo of " + custom->name + ": " + command;
    }
    const bool pause = std::holds_alternative<ContainerPause>(fault);
    return (pause ? "docker unpause " : "docker start ") + container;
}

std::vector<std::string> resources_of(const FaultSpec& fault) {
    std::vector<std::string> resources;
    const auto add = [&](bool held, const char* name) {
        if (held) resources.emplace_back(name);
    };
    if (const auto* network = std::get_if<NetworkFault>(&fault)) {
        add(network->delay.has_value(), "network delay");
        add(network->loss.has_value(), "network loss");
        add(network->duplicate.has_value(), "network duplicate");
        add(network->corrupt.has_value(), "network corrupt");
        add(network->reorder.has_value(), "network reorder");
        add(network->bandwidth.has_value(), "network bandwidth");
        add(network->partition.has_value(), "network partition");
    } else if (const auto* stress = std::get_if<StressFault>(&fault)) {
        add(stress->cpu.has_value(), "cpu");
        add(stress->memory.has_value(), "memory");
        add(stress->io.has_value(), "disk io");
        add(stress->fill.has_value(), "disk space");
        add(stress->pids.has_value(), "processes");
    } else if (const auto* custom = std::get_if<CustomFault>(&fault)) {
        add(true, custom->name.c_str());
    } else {
        add(true, "lifecycle");
    }
    return resources;
}

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name != nullptr ? std::string{name} : std::to_string(signal);
}

}  // namespace chaos
