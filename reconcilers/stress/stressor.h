// A stressor's process, from outside: started, found again, commanded, ended.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/error.h"
#include "reconcilers/container/descriptor.h"
#include "reconcilers/stress/cgroup.h"
#include "reconcilers/stress/keeper.h"
#include "reconcilers/stress/mapping.h"

namespace chaos::stress {

// The fault, in one life of a container, that a stressor is for.
struct Purpose {
    std::string uid;  // of the fault
    std::string container_id;
    int target_pid = 0;  // the container's first process, in the host's namespace

    friend bool operator==(const Purpose&, const Purpose&) = default;
};

// A process, safe against the PID's being given again.
struct Process {
    int pid = 0;
    Descriptor descriptor;  // pidfd

    [[nodiscard]] bool ended() const;
    void kill() const;
};

struct Stressor {
    Process process;
    Descriptor ready;  // of one that was just started; see kReadyFd
    Mapping shared;    // none where another version of this program has started it
    Purpose purpose;
    bool ours = false;  // its keepers are those of this state directory

    // Tells it that its orders have changed.
    void wake() const;
    // Reaps it where it is our child. To be called once it has ended.
    void reap() const;
    // Its helpers, which are to be asked for before it has ended; see stressor/decoys.h.
    [[nodiscard]] std::vector<Process> decoys() const;
};

// Out of a frozen cgroup of version 1, in which SIGKILL takes effect only when it is thawed.
void thaw(const Process& process);

// The program, held open: it stays the one that this controller was installed with.
class Program {
public:
    explicit Program(std::string path) : path_(std::move(path)) { (void)descriptor(); }

    // Opened again where it was missing; -1 where it still is.
    [[nodiscard]] int descriptor();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    Descriptor file_;
};

struct Start {
    int program = -1;
    Purpose purpose;
    int oom_score_adj = 1000;
    Orders orders;
    std::uint64_t directory_hash = 0;
    int directory = -1;  // a descriptor, or -1
};

// Starts a stressor in the control groups of the target's first process: born there with version 2,
// with version 1 moved there before the program is loaded. Errors: kNotFound (that process has
// ended), kUnavailable (the container is frozen, among others).
[[nodiscard]] Result<Stressor> start(const Start& start, const Cgroup& cgroup,
                                     const Keeper& keeper);

// Whether a stressor that was just started has obeyed its first orders; to be asked when its
// `ready` can be read. Errors: why it could not be started.
[[nodiscard]] Result<bool> read_ready(const Stressor& stressor);

// How readily the kernel kills it. Errors are not told: the kernel has a default.
void set_oom_score_adj(const Stressor& stressor, int value);

// Every stressor on this host, whoever has started it. Errors: kUnavailable (not all could be
// looked at).
[[nodiscard]] Result<std::vector<Stressor>> find_stressors(const Keeper& keeper = {});

// Beside the controller's own program.
[[nodiscard]] std::string default_program();

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv), 64 bits; never 0.
[[nodiscard]] std::uint64_t hash_of(std::string_view text);

}  // namespace chaos::stress
