#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/math/host_device.h"

/// Philox4x32-10, the counter-based generator of Salmon et al. 2011 ("Parallel random numbers: as
/// easy as 1, 2, 3") and of cuRAND's device interface. Every draw of the project is a pure function
/// of (seed, purpose, epoch, cell, gene), so results do not depend on threads, batches or devices.
namespace maskclass::philox {

inline constexpr std::uint32_t kMultiplier0 = 0xD2511F53u;
inline constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57u;
inline constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;
inline constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;
inline constexpr int kRounds = 10;

/// Four 32-bit words: a counter, or what it is mapped to.
struct Words {
  std::uint32_t word[4];

  MASKCLASS_HOST_DEVICE constexpr std::uint32_t operator[](std::size_t k) const { return word[k]; }
  bool operator==(const Words& other) const = default;
};

/// What a random number is for. Simulation uses 16 and up.
enum class Purpose : std::uint32_t {
  initial_weights = 0,  ///< cell = layer, gene = flat index
  mask = 1,
  noise = 2,
  shuffle = 3,
  k_means = 4,
  held_out = 5,
  simulation = 16,
};

/// The ten rounds. `seed` is the key, low word first.
MASKCLASS_HOST_DEVICE inline Words random_words(Words counter, std::uint64_t seed) {
  std::uint32_t key0 = static_cast<std::uint32_t>(seed);
  std::uint32_t key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = static_cast<std::uint64_t>(kMultiplier0) * counter[0];
    const std::uint64_t product1 = static_cast<std::uint64_t>(kMultiplier1) * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
               static_cast<std::uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

/// The counter whose four words serve genes 4k to 4k+3 of one cell: in the terms of curand_init,
/// subsequence = epoch * 2^32 + cell, offset = purpose * 2^34 + gene.
MASKCLASS_HOST_DEVICE inline Words counter_of(Purpose purpose, std::uint32_t epoch,
                                              std::uint32_t cell, std::uint64_t gene) {
  return {static_cast<std::uint32_t>(gene >> 2), static_cast<std::uint32_t>(purpose), cell, epoch};
}

/// The 32 random bits of one (cell, gene).
MASKCLASS_HOST_DEVICE inline std::uint32_t random_bits(std::uint64_t seed, Purpose purpose,
                                                       std::uint32_t epoch, std::uint32_t cell,
                                                       std::uint64_t gene) {
  return random_words(counter_of(purpose, epoch, cell, gene), seed)[gene & 3];
}

/// 32 bits to a float in [0, 1), a multiple of 2^-24.
MASKCLASS_HOST_DEVICE inline float to_unit_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24f;
}

/// bits < floor(probability * 2^32) in integers: true with that probability. 1 or more is always.
MASKCLASS_HOST_DEVICE inline bool is_below(std::uint32_t bits, float probability) {
  return bits < static_cast<std::uint64_t>(probability * 0x1p32f);
}

/// Two words to a double in (0, 1), an odd multiple of 2^-53, which a double holds exactly: never 0
/// or 1, so that quantile functions and logarithms may take it.
MASKCLASS_HOST_DEVICE inline double to_open_unit_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

}  // namespace maskclass::philox
