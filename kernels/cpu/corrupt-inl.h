// Gathers a slice of a batch, draws its masks and corrupts it (paper, Section 2.5).
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_CORRUPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_CORRUPT_INL_H
#undef MASKCLASS_CORRUPT_INL_H
#else
#define MASKCLASS_CORRUPT_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/philox-inl.h"
#include "kernels/cpu/training_state.h"
#include "kernels/math/biozero.h"
#include "kernels/math/log2.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

using FloatMask = hn::Mask<Floats>;

/// Marks an entry that the data set does not store, before it is known to be a zero: no scaled
/// value is below -1.
inline constexpr float kAbsent = -2.0f;

inline constexpr float kTwoTo32 = 4294967296.0f;

/// m = u < floor(probability * 2^32) in integers; a probability of 1 or more is always true.
/// Instruction sets convert to signed integers only, so 2^31 and above go in two parts; both the
/// subtraction and the addition are exact.
HWY_INLINE FloatMask draw(WordVector random, Vector probability) {
  const Floats d;
  const Words words;
  const hn::RebindToSigned<Words> integers;
  const Vector half = hn::Set(d, kTwoTo32 / 2);
  const Vector threshold = hn::Mul(probability, hn::Set(d, kTwoTo32));
  const FloatMask upper = hn::Ge(threshold, half);
  const Vector low_part = hn::Sub(threshold, hn::IfThenElseZero(upper, half));
  const WordVector low_word = hn::BitCast(words, hn::ConvertTo(integers, low_part));
  const WordVector limit = hn::Add(
      low_word, hn::IfThenElseZero(hn::RebindMask(words, upper), hn::Set(words, 0x80000000u)));
  return hn::Or(hn::RebindMask(d, hn::Lt(random, limit)), hn::Ge(threshold, hn::Set(d, kTwoTo32)));
}

/// kernels/math/biozero.h, biozero_from_basis, with cells in the lanes, for `kGenes` genes whose
/// coefficients follow each other.
template <int kGenes>
HWY_INLINE void biozero_probabilities(const float* HWY_RESTRICT basis,
                                      const float* HWY_RESTRICT coefficients, Vector shrink,
                                      Vector* HWY_RESTRICT probabilities) {
  const Floats d;
  Vector p[kGenes];
  for (Vector& sum : p) sum = hn::Zero(d);
  for (int k = kBiozeroTerms - 1; k >= 0; --k) {
    const Vector term = hn::Load(d, basis + static_cast<std::size_t>(k) * kGroup);
    for (int gene = 0; gene < kGenes; ++gene) {
      p[gene] = hn::MulAdd(term, hn::Set(d, coefficients[gene * kBiozeroTerms + k]), p[gene]);
    }
  }
  for (int gene = 0; gene < kGenes; ++gene) {
    probabilities[gene] = hn::Mul(hn::Min(hn::Max(p[gene], hn::Zero(d)), hn::Set(d, 1.0f)), shrink);
  }
}

/// What a masked zero becomes: noise in the range of the gene's counts.
HWY_INLINE float corrupted_zero(const TrainingState& state, const Batch& batch, std::uint32_t cell,
                                std::int32_t gene) {
  const std::uint32_t bits =
      philox::random_bits(state.options.seed, philox::Purpose::noise, batch.epoch, cell, gene);
  const GeneScaling& scaling = state.data.genes[gene];
  const float eta = state.options.noise * philox::to_unit_float(bits);
  return scale(log2_of_one_plus(eta * scaling.max_count), scaling);
}

/// What a slice adds to the denominators of the loss, cell by cell.
struct MaskCounts {
  /// Written out, since GCC compiles an implicit one without the instruction set.
  HWY_INLINE MaskCounts() {
    for (Vector& sum : biozero) sum = hn::Zero(Floats());
  }

  std::int64_t masked_zeros = 0;
  std::int64_t masked_nonzeros = 0;
  Vector biozero[kVectorsInGroup];
};

/// Where 16 cells of a batch lie: vector `v` of group `group`.
struct Lanes {
  std::int64_t group;
  int v;

  std::size_t offset() const { return static_cast<std::size_t>(v) * kLanes; }
  std::size_t first_cell() const { return group * kGroup + offset(); }
};

/// Masks and corrupts the cells of one vector in one gene, whose gathered values lie at `at`.
/// `biozero` counts where they are zeros.
HWY_INLINE void corrupt_vector(TrainingState& state, const Batch& batch, std::int32_t gene,
                               Lanes cells, std::size_t at, FloatMask active, WordVector random,
                               Vector biozero, MaskCounts& counts) {
  const Floats d;
  const Words words;
  const TrainingOptions& options = state.options;
  const Vector gathered = hn::Load(d, &state.target[at]);
  const FloatMask zero = hn::And(active, hn::Eq(gathered, hn::Set(d, kAbsent)));
  const FloatMask nonzero = hn::AndNot(zero, active);
  biozero = hn::IfThenElseZero(zero, biozero);
  // Most vectors have no zero whose draw is below the largest threshold there is.
  FloatMask masked_zero =
      hn::And(zero, hn::RebindMask(d, hn::Lt(random, hn::Set(words, state.zero_limit))));
  if (state.zero_always || !hn::AllFalse(d, masked_zero)) {
    masked_zero = hn::And(zero, draw(random, hn::Mul(biozero, hn::Set(d, options.mask_zero))));
  }
  const FloatMask drawn = hn::RebindMask(d, hn::Lt(random, hn::Set(words, state.nonzero_limit)));
  const FloatMask masked_nonzero = state.nonzero_always ? nonzero : hn::And(nonzero, drawn);

  const Vector scaled =
      hn::IfThenElseZero(active, hn::IfThenElse(zero, hn::Set(d, kScaledZero), gathered));
  const Vector weight =
      hn::Add(hn::IfThenElseZero(masked_zero, hn::Set(d, options.zero_weight)),
              hn::IfThenElseZero(masked_nonzero, hn::Set(d, options.nonzero_weight)));
  hn::Store(scaled, d, &state.target[at]);
  hn::Store(hn::IfThenZeroElse(masked_nonzero, scaled), d, &state.input[at]);
  hn::Store(weight, d, &state.mask_weight[at]);
  if (options.biozero_weight != 0) {
    hn::Store(biozero, d, &state.biozero[at]);
    counts.biozero[cells.v] = hn::Add(counts.biozero[cells.v], biozero);
  }
  counts.masked_nonzeros += static_cast<std::int64_t>(hn::CountTrue(d, masked_nonzero));
  if (hn::AllFalse(d, masked_zero)) return;
  // Rare: one zero in a few hundred.
  counts.masked_zeros += static_cast<std::int64_t>(hn::CountTrue(d, masked_zero));
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(d, masked_zero, bits);
  for (int k = 0; k < kLanes; ++k) {
    if ((bits[k / 8] >> (k % 8) & 1) == 0) continue;
    state.input[at + k] =
        corrupted_zero(state, batch, batch.cell_ids[cells.first_cell() + k], gene);
  }
}

/// The same for the `kGenes` genes from `gene` on, at most the four that share a Philox block.
template <int kGenes>
HWY_INLINE void corrupt_genes(TrainingState& state, const Batch& batch, std::int32_t gene,
                              Lanes cells, std::size_t at, FloatMask active, MaskCounts& counts) {
  const Floats d;
  const Words words;
  WordVector random[4];
  random_words(state.options.seed, philox::Purpose::mask, batch.epoch,
               hn::Load(words, &batch.cell_ids[cells.first_cell()]),
               static_cast<std::uint32_t>(gene) / 4, random);
  // Without the biozero term of the loss, the probability is needed only where a zero might be
  // masked: where the draw is below the largest threshold there is.
  bool needed = state.options.biozero_weight != 0 || state.zero_always;
  for (int k = 0; k < kGenes; ++k) {
    needed = needed || !hn::AllFalse(words, hn::Lt(random[k], hn::Set(words, state.zero_limit)));
  }
  Vector biozero[kGenes];
  for (Vector& p : biozero) p = hn::Zero(d);
  if (needed) {
    biozero_probabilities<kGenes>(
        &batch.biozero_basis[cells.group * kBiozeroTerms * kGroup + cells.offset()],
        &state.data.biozero_coefficients[static_cast<std::size_t>(gene) * kBiozeroTerms],
        hn::Load(d, &batch.biozero_shrink[cells.first_cell()]), biozero);
  }
  for (int k = 0; k < kGenes; ++k) {
    corrupt_vector(state, batch, gene + k, cells, at + static_cast<std::size_t>(k) * kGroup, active,
                   random[k], biozero[k], counts);
  }
}

/// How many entries of a row ahead of the cursor: two slices or so.
inline constexpr std::int64_t kPrefetchAhead = 32;

/// Writes the non-zeros of the batch in genes [first, end) to a slice's panels, and `zero`
/// elsewhere. The batch's cursors stand where the slice starts in each cell's row, and move on to
/// its end.
inline void gather(const TrainingState& state, Batch& batch, AlignedFloats& panels,
                   std::size_t offset, std::int32_t first, std::int32_t end, float zero) {
  const ScaledData& data = state.data;
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    float* panel = &panels[offset + group * state.slice_panel()];
    std::fill_n(panel, static_cast<std::size_t>(end - first) * kGroup, zero);
    const std::int64_t n_cells = std::min<std::int64_t>(
        kGroup, static_cast<std::int64_t>(batch.cells.size()) - group * kGroup);
    for (std::int64_t c = 0; c < n_cells; ++c) {
      const std::int64_t cell = group * kGroup + c;
      const std::int64_t row_end = data.indptr[batch.cells[cell] + 1];
      std::int64_t at = batch.cursors[cell];
      for (; at < row_end && data.indices[at] < end; ++at) {
        panel[std::int64_t{data.indices[at] - first} * kGroup + c] = data.scaled[at];
      }
      batch.cursors[cell] = at;
      // The rows of a batch are scattered over memory: fetch what the slices after the next need.
      if (at < row_end) {
        const std::int64_t ahead = std::min(at + kPrefetchAhead, row_end - 1);
        hwy::Prefetch(&data.indices[ahead]);
        hwy::Prefetch(&data.scaled[ahead]);
      }
    }
  }
}

/// The lanes of a vector that hold cells of the batch.
HWY_INLINE FloatMask active_lanes(const Batch& batch, std::int64_t group, int v) {
  const std::int64_t first = group * kGroup + static_cast<std::int64_t>(v) * kLanes;
  const std::int64_t n = static_cast<std::int64_t>(batch.cells.size()) - first;
  return hn::FirstN(Floats(), static_cast<std::size_t>(std::clamp<std::int64_t>(n, 0, kLanes)));
}

/// Phase 1, first half: fills the slice's input, target and weights, and its part of the
/// denominators.
inline void corrupt_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  const std::int32_t first = state.slices.begin(slice);
  const std::int32_t end = state.slices.end(slice);
  gather(state, batch, state.target, state.slice_offset(slice), first, end, kAbsent);

  SliceSums& sums = state.sums[slice];
  sums = {};
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    const std::size_t panel = state.slice_offset(slice) + group * state.slice_panel();
    MaskCounts counts;
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const FloatMask active = active_lanes(batch, group, v);
      const Lanes cells{group, v};
      for (std::int32_t gene = first; gene < end; gene += 4) {
        const std::size_t at =
            panel + static_cast<std::size_t>(gene - first) * kGroup + cells.offset();
        switch (end - gene) {
          case 1:
            corrupt_genes<1>(state, batch, gene, cells, at, active, counts);
            break;
          case 2:
            corrupt_genes<2>(state, batch, gene, cells, at, active, counts);
            break;
          case 3:
            corrupt_genes<3>(state, batch, gene, cells, at, active, counts);
            break;
          default:
            corrupt_genes<4>(state, batch, gene, cells, at, active, counts);
        }
      }
    }
    sums.masked_zeros += counts.masked_zeros;
    sums.masked_nonzeros += counts.masked_nonzeros;
    sums.biozero += static_cast<double>(sum_of_group(counts.biozero));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
