// What can be done to a container's packets. Percentages are 0 to 100, as manifests say them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "controller/api/time.h"

namespace chaos {

// How delays are spread around their mean when there is jitter.
enum class Distribution { kUniform, kNormal, kPareto, kParetoNormal };

struct Delay {
    Duration latency{};
    Duration jitter{};
    double correlation = 0;
    Distribution distribution = Distribution::kNormal;

    friend bool operator==(const Delay&, const Delay&) = default;
};

// A share of the packets, each choice depending on the one before by `correlation`.
struct Share {
    double percent = 0;
    double correlation = 0;

    friend bool operator==(const Share&, const Share&) = default;
};

// Losses in bursts: Gilbert (1960), Elliott (1963), with the words of tc-netem(8): p is the
// probability of going from good to bad, r back, one_minus_h the loss in the bad state, one_minus_k
// in the good one.
struct GilbertElliott {
    double p = 0;
    double r = 100;
    double one_minus_h = 100;
    double one_minus_k = 0;

    friend bool operator==(const GilbertElliott&, const GilbertElliott&) = default;
};

// Losses after a Markov chain (tc-netem(8), "loss state"): 1 received outside a burst, 2 received
// within one, 3 lost within one, 4 a single loss outside.
struct FourState {
    double p13 = 0;
    double p31 = 100;
    double p32 = 0;
    double p23 = 100;
    double p14 = 0;

    friend bool operator==(const FourState&, const FourState&) = default;
};

struct Reorder {
    Share share;
    int gap = 1;  // every gap-th packet may overtake

    friend bool operator==(const Reorder&, const Reorder&) = default;
};

}  // namespace chaos
