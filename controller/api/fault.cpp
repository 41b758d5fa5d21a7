#include "controller/api/fault.h"

#include <csignal>
#include <cstring>

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
};

}  // namespace

std::string_view type_name(const FaultSpec& fault) { return std::visit(TypeName{}, fault); }

bool is_instant(const FaultSpec& fault) {
    return !std::holds_alternative<ContainerPause>(fault) &&
           !std::holds_alternative<ContainerStop>(fault);
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
    return Duration{0};
}

std::string manual_undo(const FaultSpec& fault, const std::string& container) {
    const bool pause = std::holds_alternative<ContainerPause>(fault);
    return (pause ? "docker unpause " : "docker start ") + container;
}

std::string_view resource_of(const FaultSpec& /*fault*/) { return "lifecycle"; }

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name != nullptr ? std::string{name} : std::to_string(signal);
}

}  // namespace chaos
