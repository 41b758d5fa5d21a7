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
};

}  // namespace

std::string_view type_name(const FaultSpec& fault) { return std::visit(TypeName{}, fault); }

bool is_instant(const FaultSpec& fault) { return std::holds_alternative<ContainerKill>(fault); }

std::string_view resource_of(const FaultSpec& /*fault*/) { return "lifecycle"; }

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name != nullptr ? std::string{name} : std::to_string(signal);
}

}  // namespace chaos
