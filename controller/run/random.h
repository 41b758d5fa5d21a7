// Chance that can be replayed: every draw is a pure function of the seed and of what is drawn for,
// so that adding a container or a scenario changes no other draw.
#pragma once

#include <cstdint>
#include <string_view>

namespace chaos::run {

// 64 well-mixed bits of (seed, purpose, subject): FNV-1a over the texts, finished by the splitmix64
// mixer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
[[nodiscard]] std::uint64_t draw_bits(std::uint64_t seed, std::string_view purpose,
                                      std::string_view subject);

// Uniform in (0, 1): never 0, so that its logarithm is finite.
[[nodiscard]] double draw_unit(std::uint64_t seed, std::string_view purpose,
                               std::string_view subject);

// The key of weighted sampling without replacement: -ln(u) / weight; the k smallest keys are the
// sample (Efraimidis, Spirakis: Weighted random sampling with a reservoir, 2006). Infinite for a
// weight of 0, which is thus never preferred.
[[nodiscard]] double draw_rank(std::uint64_t seed, std::string_view purpose,
                               std::string_view subject, double weight);

// The seed of a run whose spec names none: of the experiment, its spec, the run-id, and the host,
// so that `chaosctl plan` foretells the run, and other runs and hosts draw otherwise.
[[nodiscard]] std::uint64_t derive_seed(std::string_view name, std::string_view digest,
                                        std::string_view run_id, std::string_view host);

}  // namespace chaos::run
