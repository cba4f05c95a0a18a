// Philox4x32-10 with cells in the lanes; the same words as kernels/math/philox.h.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_PHILOX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_PHILOX_INL_H
#undef MASKCLASS_PHILOX_INL_H
#else
#define MASKCLASS_PHILOX_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/cpu/multiply-inl.h"
#include "kernels/math/philox.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

using Words = hn::ScalableTag<std::uint32_t>;
using WordVector = hn::Vec<Words>;

/// The rounds work on 64-bit lanes whose lower halves hold a word, and whose upper halves hold
/// anything: what a widening multiplication reads and writes. So the even cells of a vector are one
/// half of the work and the odd cells the other.
using WideWords = hn::ScalableTag<std::uint64_t>;
using WideVector = hn::Vec<WideWords>;
inline constexpr int kHalves = HWY_TARGET == HWY_SCALAR ? 1 : 2;

HWY_INLINE WideVector multiply_wide(WideVector lanes, WideVector factor) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(WideWords(), (hn::GetLane(lanes) & 0xFFFFFFFFu) * hn::GetLane(factor));
#else
  const Words d;
  return hn::MulEven(hn::BitCast(d, lanes), hn::BitCast(d, factor));
#endif
}

/// Word k of the even cells of a vector, or of the odd ones, to `halves`.
HWY_INLINE void split_cells(WordVector cells, WideVector (&halves)[kHalves]) {
#if HWY_TARGET == HWY_SCALAR
  halves[0] = hn::Set(WideWords(), hn::GetLane(cells));
#else
  halves[0] = hn::BitCast(WideWords(), cells);
  halves[1] = hn::ShiftRight<32>(halves[0]);
#endif
}

HWY_INLINE WordVector join_cells(const WideVector (&halves)[kHalves]) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(Words(), static_cast<std::uint32_t>(hn::GetLane(halves[0])));
#else
  const Words d;
  return hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(halves[1])), hn::BitCast(d, halves[0]));
#endif
}

/// What a seed, purpose and epoch determine: the keys of the ten rounds and two words of the
/// counter.
struct PhiloxStream {
  PhiloxStream(std::uint64_t seed, philox::Purpose stream_purpose, std::uint32_t stream_epoch)
      : purpose(static_cast<std::uint32_t>(stream_purpose)), epoch(stream_epoch) {
    for (std::uint32_t round = 0; round < philox::kRounds; ++round) {
      keys[round][0] = static_cast<std::uint32_t>(seed) + round * philox::kWeyl0;
      keys[round][1] = static_cast<std::uint32_t>(seed >> 32) + round * philox::kWeyl1;
    }
  }

  std::uint64_t keys[philox::kRounds][2];
  std::uint32_t purpose;
  std::uint32_t epoch;
};

/// In the first two rounds no product mixes gene and cell. These are what the cells of a vector
/// bring to the state after them, and what a block of four genes brings.
struct PhiloxCells {
  /// Written out, since GCC compiles an implicit one without the instruction set.
  HWY_INLINE PhiloxCells() {}

  HWY_INLINE void set(const PhiloxStream& stream, WordVector cells) {
    const WideWords d;
    const WideVector multiplier0 = hn::Set(d, philox::kMultiplier0);
    const WideVector multiplier1 = hn::Set(d, philox::kMultiplier1);
    WideVector halves[kHalves];
    split_cells(cells, halves);
    for (int half = 0; half < kHalves; ++half) {
      const WideVector product1 = multiply_wide(halves[half], multiplier1);
      const WideVector word0 =
          hn::Xor(hn::ShiftRight<32>(product1), hn::Set(d, stream.purpose ^ stream.keys[0][0]));
      const WideVector product0 = multiply_wide(word0, multiplier0);
      in_word0[half] = hn::Xor(product1, hn::Set(d, stream.keys[1][0]));
      in_word2[half] = hn::Xor(hn::ShiftRight<32>(product0), hn::Set(d, stream.keys[1][1]));
      in_word3[half] = product0;
    }
  }

  WideVector in_word0[kHalves];
  WideVector in_word2[kHalves];
  WideVector in_word3[kHalves];
};

struct PhiloxGenes {
  PhiloxGenes(const PhiloxStream& stream, std::uint32_t gene_block) {
    const std::uint64_t product0 = std::uint64_t{philox::kMultiplier0} * gene_block;
    const std::uint64_t word2 = (product0 >> 32) ^ stream.epoch ^ stream.keys[0][1];
    const std::uint64_t product1 = philox::kMultiplier1 * word2;
    in_word0 = product1 >> 32;
    in_word1 = product1;
    in_word2 = product0;
  }

  std::uint64_t in_word0;
  std::uint64_t in_word1;
  std::uint64_t in_word2;
};

/// Words for the block's four genes of the cells in the lanes.
HWY_INLINE void random_words(const PhiloxStream& stream, const PhiloxCells& cells,
                             const PhiloxGenes& genes, WordVector (&words)[4]) {
  const WideWords d;
  const WideVector multiplier0 = hn::Set(d, philox::kMultiplier0);
  const WideVector multiplier1 = hn::Set(d, philox::kMultiplier1);
  WideVector state[4][kHalves];
  for (int half = 0; half < kHalves; ++half) {
    state[0][half] = hn::Xor(cells.in_word0[half], hn::Set(d, genes.in_word0));
    state[1][half] = hn::Set(d, genes.in_word1);
    state[2][half] = hn::Xor(cells.in_word2[half], hn::Set(d, genes.in_word2));
    state[3][half] = cells.in_word3[half];
  }
  MASKCLASS_UNROLL(8)
  for (int round = 2; round < philox::kRounds; ++round) {
    const WideVector key0 = hn::Set(d, stream.keys[round][0]);
    const WideVector key1 = hn::Set(d, stream.keys[round][1]);
    for (int half = 0; half < kHalves; ++half) {
      const WideVector product0 = multiply_wide(state[0][half], multiplier0);
      const WideVector product1 = multiply_wide(state[2][half], multiplier1);
      state[0][half] = hn::Xor(hn::Xor(state[1][half], key0), hn::ShiftRight<32>(product1));
      state[2][half] = hn::Xor(hn::Xor(state[3][half], key1), hn::ShiftRight<32>(product0));
      state[1][half] = product1;
      state[3][half] = product0;
    }
  }
  for (int word = 0; word < 4; ++word) words[word] = join_cells(state[word]);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
