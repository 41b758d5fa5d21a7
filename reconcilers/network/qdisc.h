// Queueing disciplines as values, and what rtnetlink calls them: pure encoders and decoders, which
// survive any bytes. The formats are those of linux/pkt_sched.h; where tc(8) has a convention of
// its own, ours is tc's, so that what it shows is what was asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/api/error.h"
#include "controller/api/network.h"

namespace chaos::network {

// Impairs packets (sch_netem). Absent: not impaired in that way.
struct Netem {
    std::uint32_t limit = 1000;  // packets that may wait
    std::optional<Delay> delay;
    std::optional<Loss> loss;
    std::optional<Share> duplicate;
    std::optional<Share> corrupt;
    std::optional<Reorder> reorder;

    friend bool operator==(const Netem&, const Netem&) = default;
};

// A token bucket (sch_tbf): bytes per second, of which `burst` bytes may pass at once.
struct Tbf {
    std::uint64_t rate = 0;
    std::uint32_t burst = 0;
    std::uint32_t limit = 0;  // bytes that may wait

    friend bool operator==(const Tbf&, const Tbf&) = default;
};

// The root that sorts packets by their priority into classes (sch_htb). Without a default class
// what is in none passes directly, at full speed.
struct Htb {
    friend bool operator==(const Htb&, const Htb&) = default;
};

using Discipline = std::variant<Netem, Tbf, Htb>;

// "netem", "tbf" or "htb": the kernel's name, and that of the module behind "sch_".
[[nodiscard]] std::string_view kind_of(const Discipline& discipline);

// The TCA_OPTIONS attribute's payload.
[[nodiscard]] std::string encode_options(const Discipline& discipline);

// The share of a percentage in the kernel's fixed point: 2^32 - 1 is always.
[[nodiscard]] std::uint32_t scaled(double percent);

// Quantiles of a distribution of mean 0 and deviation 1, in units of 1/8192 (NETEM_DIST_SCALE). Of
// the uniform one, which the kernel has built in, as well, from -1 to 1: a table that was given
// once cannot be taken back in place.
[[nodiscard]] std::vector<std::int16_t> distribution_table(Distribution distribution);

// What a dump tells of a discipline.
struct Observed {
    int interface = 0;  // index
    std::uint32_t handle = 0;
    std::uint32_t parent = 0;
    std::string kind;
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
    std::uint64_t drops = 0;
    std::uint64_t backlog = 0;  // bytes that wait

    friend bool operator==(const Observed&, const Observed&) = default;
};

// Null where the interface has none with this handle.
[[nodiscard]] const Observed* find_qdisc(const std::vector<Observed>& qdiscs, int interface,
                                         std::uint32_t handle);

// The payload of an RTM_NEWQDISC message. Errors: kInternal for what is none.
[[nodiscard]] Result<Observed> decode_qdisc(std::string_view payload);

}  // namespace chaos::network
