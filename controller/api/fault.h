// What can be done to a container: one plain struct per action type, with all defaults filled in.
// The variant below is the list of them.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/api/custom.h"
#include "controller/api/network.h"
#include "controller/api/stress.h"
#include "controller/api/time.h"

namespace chaos {

// kProcess signals the container's host PID through a pidfd, as a crash would: the restart policy
// stays in force. kApi is Docker's kill, which cancels the restart policy (moby daemon/kill.go,
// ExitOnNext), so the container stays dead until somebody starts it.
enum class KillMethod { kProcess, kApi };

struct ContainerKill {
    int signal = 9;
    KillMethod method = KillMethod::kProcess;

    friend bool operator==(const ContainerKill&, const ContainerKill&) = default;
};

// Freezes all processes; undone only where this project paused.
struct ContainerPause {
    friend bool operator==(const ContainerPause&, const ContainerPause&) = default;
};

// Stopped, and started again at the end. Both by Docker, so that no restart policy interferes.
struct ContainerStop {
    Duration grace{};  // between the stop signal and SIGKILL

    friend bool operator==(const ContainerStop&, const ContainerStop&) = default;
};

struct ContainerRestart {
    Duration grace{};

    friend bool operator==(const ContainerRestart&, const ContainerRestart&) = default;
};

// Stopped and removed; whoever made it (Compose, a script) has to make it anew.
struct ContainerRemove {
    Duration grace{};
    bool volumes = false;  // its anonymous volumes too

    friend bool operator==(const ContainerRemove&, const ContainerRemove&) = default;
};

// Signals every process inside the container whose command line matches.
struct ProcessKill {
    std::string match;  // RE2, searched in the arguments joined by spaces
    int signal = 9;

    friend bool operator==(const ProcessKill&, const ProcessKill&) = default;
};

using FaultSpec =
    std::variant<ContainerKill, ContainerPause, ContainerStop, ContainerRestart, ContainerRemove,
                 ProcessKill, NetworkFault, StressFault, CustomFault>;

[[nodiscard]] std::string_view type_name(const FaultSpec& fault);

// True for a fault that is over the moment it is injected (a kill): there is nothing to undo, and
// it must never be injected twice.
[[nodiscard]] bool is_instant(const FaultSpec& fault);

// True for a fault that lasts and that something other than Docker holds: the kernel, or a process
// of ours. It is looked at now and then, changed in place, and ends by itself when its time is
// over.
[[nodiscard]] bool is_supervised(const FaultSpec& fault);

// What two experiments must not hold at once on one container: "lifecycle", "network delay",
// "network loss", "cpu", … . Different effects combine; the same one twice is a conflict.
[[nodiscard]] std::vector<std::string> resources_of(const FaultSpec& fault);

// Whether the life of the container that is hit cannot go on: SIGKILL to its first process,
// restart, removal. Of other signals nobody knows.
[[nodiscard]] bool ends_life(const FaultSpec& fault);

// How long Docker may take to carry it out after it was asked to, whoever asked and lives or not:
// the grace between stop signal and SIGKILL, and a margin for the rest. 0 for what is done at once.
[[nodiscard]] Duration longest_effect(const FaultSpec& fault);

// What somebody types to undo it by hand: "docker unpause web-1".
[[nodiscard]] std::string manual_undo(const FaultSpec& fault, const std::string& container);

// "KILL" for 9; the number as text where the kernel has no name for it.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace chaos
