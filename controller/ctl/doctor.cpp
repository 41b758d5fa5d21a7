// doctor: whether a controller run by this user on this host could do its work, and what to mend.
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <ostream>

#include "controller/ctl/catalog.h"
#include "controller/ctl/population.h"
#include "controller/ctl/verbs.h"
#include "controller/manifest/emit.h"
#include "controller/store/store.h"
#include "reconcilers/network/ability.h"
#include "reconcilers/stress/stressor.h"

namespace chaos::ctl {
namespace {

using manifest::Node;

enum class Finding { kOk, kWarning, kFailed };

struct Check {
    std::string what;
    Finding finding = Finding::kOk;
    std::string detail;
};

const char* word_of(Finding finding) {
    switch (finding) {
        case Finding::kOk: return "ok";
        case Finding::kWarning: return "warning";
        case Finding::kFailed: break;
    }
    return "failed";
}

Check check_docker(const Context& context) {
    const auto containers = list_containers(context.docker_host);
    if (!containers) {
        return {"Docker engine", Finding::kFailed,
                containers.error().context + "; is dockerd up, and may you use " +
                    context.docker_host + "?"};
    }
    return {"Docker engine", Finding::kOk,
            context.docker_host + ", " + std::to_string(containers->size()) + " containers"};
}

Check check_manifests(const Context& context) {
    const auto items = load_catalog(context);
    if (!items) {
        return {"manifests", Finding::kWarning, items.error().context + "; name them with -m"};
    }
    std::size_t broken = 0;
    for (const auto& item : *items) {
        broken += item.document && !item.document->problems.empty() ? 1 : 0;
    }
    if (broken > 0) {
        return {"manifests", Finding::kWarning,
                std::to_string(broken) + " of " + std::to_string(items->size()) +
                    " are invalid; chaosctl validate " + context.manifests};
    }
    return {"manifests", Finding::kOk,
            context.manifests + ", " + std::to_string(items->size()) + " experiments"};
}

Check check_journal(const Context& context) {
    const auto runs = store::Store::peek(context.state_dir);
    if (!runs) return {"journal", Finding::kFailed, runs.error().context};
    if (!std::filesystem::exists(context.state_dir + "/state.db")) {
        return {
            "journal", Finding::kWarning,
            "none in " + context.state_dir + "; a controller makes it, or --state-dir is not its"};
    }
    std::size_t held = 0;
    for (const auto& run : *runs) held += run.holds_faults() ? 1 : 0;
    if (held > 0) {
        return {"journal", Finding::kWarning,
                std::to_string(held) + " runs have faults in force; chaosctl verify-clean"};
    }
    return {"journal", Finding::kOk, context.state_dir + ", nothing in force"};
}

// Bits of linux/capability.h that the controller works with.
struct Capability {
    int bit;
    const char* name;
    const char* purpose;
};

constexpr std::array<Capability, 4> kNeeded{
    {{5, "CAP_KILL", "kills processes in containers"},
     {12, "CAP_NET_ADMIN", "network faults"},
     {19, "CAP_SYS_PTRACE", "looks into containers' processes"},
     {21, "CAP_SYS_ADMIN", "enters namespaces"}}};

unsigned long effective_capabilities() {
    std::ifstream status{"/proc/self/status"};
    unsigned long effective = 0;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("CapEff:")) effective = std::stoul(line.substr(7), nullptr, 16);
    }
    return effective;
}

Check check_capabilities() {
    const auto effective = effective_capabilities();
    std::string missing;
    for (const auto& [bit, name, purpose] : kNeeded) {
        if ((effective >> static_cast<unsigned>(bit) & 1U) != 0) continue;
        missing += (missing.empty() ? "" : ", ") + std::string{name} + " (" + purpose + ")";
    }
    if (missing.empty()) return {"capabilities", Finding::kOk, "all that the controller uses"};
    return {"capabilities", Finding::kFailed, "missing: " + missing + "; run it as root"};
}

Check check_kernel() {
    const long fd = ::syscall(SYS_pidfd_open, ::getpid(), 0);
    if (fd < 0) {
        return {"kernel", Finding::kFailed, "pidfd_open is missing; Linux 5.3 or later is needed"};
    }
    ::close(static_cast<int>(fd));
    std::error_code ec;
    const bool unified = std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers", ec);
    return {"kernel", Finding::kOk,
            unified ? "pidfd, cgroup version 2" : "pidfd, cgroup version 1"};
}

Check check_inotify() {
    std::ifstream file{"/proc/sys/fs/inotify/max_user_watches"};
    long watches = 0;
    file >> watches;
    if (watches >= 1024) return {"inotify", Finding::kOk, std::to_string(watches) + " watches"};
    return {"inotify", Finding::kWarning,
            std::to_string(watches) +
                " watches; sysctl fs.inotify.max_user_watches=8192 (manifests are read every 10 s "
                "otherwise)"};
}

void check_network(std::vector<Check>& checks) {
    const auto abilities = network::abilities();
    if (!abilities) {
        checks.push_back({"network faults", Finding::kWarning, abilities.error().context});
        return;
    }
    for (const auto& [module, there, why, purpose] : *abilities) {
        checks.push_back(
            {"kernel module " + module, there ? Finding::kOk : Finding::kWarning,
             there ? purpose : why + "; modprobe " + module + "; needed for " + purpose});
    }
}

// Beside the controller; chaosctl itself may be installed beside it or in ../bin.
Check check_stressor() {
    const std::filesystem::path beside = stress::default_program();
    const auto installed = beside.parent_path().parent_path() / "sbin" / stress::kProgram;
    for (const auto& path : {beside, installed}) {
        if (::access(path.c_str(), X_OK) == 0) return {"stressor", Finding::kOk, path};
    }
    return {"stressor", Finding::kWarning,
            "neither " + beside.string() + " nor " + installed.string() +
                "; it belongs beside chaos-controller; needed for cpu_stress, memory_stress, "
                "io_stress, disk_fill, pid_stress and resource_stress"};
}

// Without it only a part of memory_stress is missing.
Check check_resource_capability() {
    constexpr unsigned kSysResource = 24;  // linux/capability.h
    if ((effective_capabilities() >> kSysResource & 1U) != 0) {
        return {"CAP_SYS_RESOURCE", Finding::kOk, "memory_stress with oom_score_adj below 0"};
    }
    return {"CAP_SYS_RESOURCE", Finding::kWarning,
            "missing; memory_stress cannot have an oom_score_adj below the controller's own"};
}

Check check_cgroups() {
    const auto own = stress::Cgroup::of(::getpid());
    if (!own) return {"control groups", Finding::kWarning, own.error().context};
    std::string where;
    for (const auto& group : own->groups()) {
        if (::access((group.mount + "/cgroup.procs").c_str(), W_OK) != 0) {
            return {"control groups", Finding::kWarning,
                    group.mount + " cannot be written; stressors cannot enter containers"};
        }
        where += (where.empty() ? "" : ", ") + group.mount;
    }
    return {"control groups", Finding::kOk, where};
}

Node tree_of(const std::vector<Check>& checks) {
    Node list = manifest::list_node();
    for (const auto& [what, finding, detail] : checks) {
        Node node = manifest::map_node();
        node.add("check", manifest::text_node(what));
        node.add("result", manifest::text_node(word_of(finding)));
        node.add("detail", manifest::text_node(detail));
        list.items.push_back(std::move(node));
    }
    return list;
}

}  // namespace

int doctor(const Context& context) {
    std::vector<Check> checks{
        check_docker(context), check_manifests(context), check_journal(context),
        check_capabilities(),  check_kernel(),           check_inotify(),
        check_stressor(),      check_cgroups(),          check_resource_capability()};
    check_network(checks);
    if (!print_tree(context, tree_of(checks))) {
        Table table{{"CHECK", "RESULT", "DETAIL"}};
        for (const auto& [what, finding, detail] : checks) {
            table.add({what, word_of(finding), detail});
        }
        table.print(context.out, context.colour);
    }
    for (const auto& check : checks) {
        if (check.finding == Finding::kFailed) return kFailed;
    }
    return kOk;
}

}  // namespace chaos::ctl
