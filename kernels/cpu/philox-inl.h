// Philox4x32-10 with cells in the lanes; the same words as kernels/math/philox.h.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_PHILOX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_PHILOX_INL_H
#undef MASKCLASS_PHILOX_INL_H
#else
#define MASKCLASS_PHILOX_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/math/philox.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<std::uint32_t>;
using WordVector = hn::Vec<Words>;

/// The 64-bit products of all lanes with one factor, as their high and low words.
HWY_INLINE void multiply_wide(WordVector lanes, WordVector factor, WordVector& high,
                              WordVector& low) {
#if HWY_TARGET == HWY_SCALAR  // one lane: there is no even and odd
  const std::uint64_t product = std::uint64_t{hn::GetLane(lanes)} * hn::GetLane(factor);
  high = hn::Set(Words(), static_cast<std::uint32_t>(product >> 32));
  low = hn::Set(Words(), static_cast<std::uint32_t>(product));
#else
  const Words d;
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(lanes, factor);
  const auto odd =
      hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, lanes))), factor);
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
#endif
}

/// Words for genes 4 * gene_block to 4 * gene_block + 3 of the cells in the lanes.
HWY_INLINE void random_words(std::uint64_t seed, philox::Purpose purpose, std::uint32_t epoch,
                             WordVector cells, std::uint32_t gene_block, WordVector (&words)[4]) {
  const Words d;
  const WordVector multiplier0 = hn::Set(d, philox::kMultiplier0);
  const WordVector multiplier1 = hn::Set(d, philox::kMultiplier1);
  words[0] = hn::Set(d, gene_block);
  words[1] = hn::Set(d, static_cast<std::uint32_t>(purpose));
  words[2] = cells;
  words[3] = hn::Set(d, epoch);
  std::uint32_t key0 = static_cast<std::uint32_t>(seed);
  std::uint32_t key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < philox::kRounds; ++round) {
    WordVector high0, low0, high1, low1;
    multiply_wide(words[0], multiplier0, high0, low0);
    multiply_wide(words[2], multiplier1, high1, low1);
    words[0] = hn::Xor(hn::Xor(high1, words[1]), hn::Set(d, key0));
    words[1] = low1;
    words[2] = hn::Xor(hn::Xor(high0, words[3]), hn::Set(d, key1));
    words[3] = low0;
    key0 += philox::kWeyl0;
    key1 += philox::kWeyl1;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
