// Finding what has our mark, whoever left it.
#pragma once

#include <string>
#include <vector>

#include "controller/api/error.h"

namespace chaos::network {

// What has our mark in the calling thread's namespace.
struct Marks {
    struct Item {
        std::string what;     // "qdisc htb c4a0: on eth0"
        std::string by_hand;  // "tc qdisc del dev eth0 root"

        friend bool operator==(const Item&, const Item&) = default;
    };
    std::vector<Item> items;
    bool live = false;  // a rule holds: the kernel has not ended all of it yet

    friend bool operator==(const Marks&, const Marks&) = default;
};
[[nodiscard]] Result<Marks> find_marks();

// Something of ours in a namespace.
struct Mark {
    std::string container_id;  // of a container there; empty where it is of none
    int pid = 0;               // of a process there
    Marks marks;
};

// What has our mark in any network namespace of this host. Errors: kPermission, kUnavailable.
[[nodiscard]] Result<std::vector<Mark>> find_all_marks();

}  // namespace chaos::network
