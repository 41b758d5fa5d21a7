#include "controller/run/random.h"

#include <cmath>
#include <limits>

namespace chaos::run {
namespace {

constexpr std::uint64_t kFnvOffset = 14695981039346656037ULL;
constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

std::uint64_t fnv1a(std::uint64_t hash, std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    // A separator that no text holds, so that ("ab", "c") and ("a", "bc") differ.
    return (hash ^ 0xffU) * kFnvPrime;
}

std::uint64_t mix(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

}  // namespace

std::uint64_t draw_bits(std::uint64_t seed, std::string_view purpose, std::string_view subject) {
    return mix(mix(seed) ^ fnv1a(fnv1a(kFnvOffset, purpose), subject));
}

double draw_unit(std::uint64_t seed, std::string_view purpose, std::string_view subject) {
    const std::uint64_t bits = draw_bits(seed, purpose, subject) >> 11U;  // 53, as a double holds
    return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

double draw_rank(std::uint64_t seed, std::string_view purpose, std::string_view subject,
                 double weight) {
    if (weight <= 0) return std::numeric_limits<double>::infinity();
    return -std::log(draw_unit(seed, purpose, subject)) / weight;
}

std::uint64_t derive_seed(std::string_view name, std::string_view digest, std::string_view run_id,
                          std::string_view host) {
    std::uint64_t hash = kFnvOffset;
    for (const auto part : {name, digest, run_id, host}) hash = fnv1a(hash, part);
    // Small enough to be typed back as `seed:` and to be exact in JSON readers that use doubles.
    return mix(hash) >> 32U;
}

}  // namespace chaos::run
