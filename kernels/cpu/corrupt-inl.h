// Draws the masks of a slice of a batch and corrupts it (paper, Section 2.5).
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_CORRUPT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_CORRUPT_INL_H
#undef MASKCLASS_CORRUPT_INL_H
#else
#define MASKCLASS_CORRUPT_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <span>

#include "kernels/cpu/gather-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/philox-inl.h"
#include "kernels/cpu/training_state.h"
#include "kernels/math/biozero.h"
#include "kernels/math/log2.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

using FloatMask = hn::Mask<Floats>;

/// The coefficients of a gene and those after it, by a dropout curve.
HWY_INLINE const float* coefficients_of(const ScaledData& data, std::uint32_t curve,
                                        std::int32_t gene) {
  const std::size_t row = static_cast<std::size_t>(curve) * data.n_genes + gene;
  return &data.biozero_coefficients[row * kBiozeroTerms];
}

/// kernels/math/biozero.h, the sum of biozero_from_basis, for the 16 cells of a group and `kGenes`
/// genes whose coefficients follow each other.
template <int kGenes>
HWY_INLINE void biozero_sums(const float* HWY_RESTRICT basis,
                             const float* HWY_RESTRICT coefficients,
                             Vector (&p)[kGenes][kVectorsInGroup]) {
  const Floats d;
  clear(p);
  for (int k = kBiozeroTerms - 1; k >= 0; --k) {
    Vector term[kVectorsInGroup];
    for (int v = 0; v < kVectorsInGroup; ++v) {
      term[v] = hn::Load(d, basis + static_cast<std::size_t>(k) * kGroup + vector_offset(v, 0));
    }
    for (int gene = 0; gene < kGenes; ++gene) {
      const Vector coefficient = hn::Set(d, coefficients[gene * kBiozeroTerms + k]);
      for (int v = 0; v < kVectorsInGroup; ++v) {
        p[gene][v] = hn::MulAdd(term[v], coefficient, p[gene][v]);
      }
    }
  }
}

/// Puts the sums of a group's further curves where its cells are of them. Each costs a sum for all
/// 16: a group has few, and coefficients that differ by lane would have to be gathered one by one.
template <int kGenes>
HWY_NOINLINE void mix_curves(const ScaledData& data, const Batch& batch, std::int64_t group,
                             std::int32_t gene_of_first, Vector (&p)[kGenes][kVectorsInGroup]) {
  const Floats d;
  const float* HWY_RESTRICT basis = &batch.biozero_basis[group * kBiozeroTerms * kGroup];
  const std::vector<std::uint32_t>& curves = batch.curves_of_group[group];
  for (std::size_t k = 1; k < curves.size(); ++k) {
    Vector other[kGenes][kVectorsInGroup];
    biozero_sums(basis, coefficients_of(data, curves[k], gene_of_first), other);
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const WordVector of_cells =
          hn::Load(Words(), &batch.biozero_curve[group * kGroup + vector_offset(v, 0)]);
      const FloatMask has = hn::RebindMask(d, hn::Eq(of_cells, hn::Set(Words(), curves[k])));
      for (int gene = 0; gene < kGenes; ++gene) {
        p[gene][v] = hn::IfThenElse(has, other[gene][v], p[gene][v]);
      }
    }
  }
}

/// kernels/math/biozero.h, biozero_from_basis, for the 16 cells of a group and `kGenes` genes from
/// `gene` on, to the rows of a panel.
template <int kGenes>
HWY_INLINE void biozero_probabilities(const ScaledData& data, const Batch& batch,
                                      std::int64_t group, std::int32_t gene,
                                      float* HWY_RESTRICT rows) {
  const Floats d;
  const float* HWY_RESTRICT shrink = &batch.biozero_shrink[group * kGroup];
  const std::vector<std::uint32_t>& curves = batch.curves_of_group[group];
  Vector p[kGenes][kVectorsInGroup];
  biozero_sums(&batch.biozero_basis[group * kBiozeroTerms * kGroup],
               coefficients_of(data, curves[0], gene), p);
  if (HWY_UNLIKELY(curves.size() > 1)) mix_curves(data, batch, group, gene, p);
  for (int v = 0; v < kVectorsInGroup; ++v) {
    const Vector factor = hn::Load(d, shrink + vector_offset(v, 0));
    for (std::int64_t k = 0; k < kGenes; ++k) {
      const Vector clamped = hn::Min(hn::Max(p[k][v], hn::Zero(d)), hn::Set(d, 1.0f));
      hn::Store(hn::Mul(clamped, factor), d, rows + k * kGroup + vector_offset(v, 0));
    }
  }
}

/// The same for the genes of a slice.
inline void biozero_of_slice(TrainingState& state, const Batch& batch, std::int32_t slice,
                             std::int64_t group) {
  const std::int32_t end = state.slices.end(slice);
  std::int32_t gene = state.slices.begin(slice);
  float* panel = &state.biozero[state.panel_offset(group)];
  for (; gene + 4 <= end; gene += 4) {
    biozero_probabilities<4>(state.data, batch, group, gene, panel + std::int64_t{gene} * kGroup);
  }
  for (; gene < end; ++gene) {
    biozero_probabilities<1>(state.data, batch, group, gene, panel + std::int64_t{gene} * kGroup);
  }
}

/// Where the draws of a gene and a group of cells lie.
HWY_INLINE std::uint32_t* draws_of(const TrainingState& state, Batch& batch, std::int32_t gene,
                                   std::int64_t group) {
  const std::int64_t width = state.slices.width;
  return &batch.draws[(group * width + gene % width) * kGroup];
}

/// The draws for the masks of a slice's genes and a group of cells: draws[gene of the slice][16].
inline void draw(const TrainingState& state, const Batch& batch, std::int32_t slice,
                 std::int64_t group, std::uint32_t* HWY_RESTRICT draws) {
  const Words d;
  const PhiloxStream stream(state.options.seed, philox::Purpose::mask, batch.epoch);
  PhiloxCells cells[kVectorsInGroup];
  for (int v = 0; v < kVectorsInGroup; ++v) {
    cells[v].set(stream, hn::Load(d, &batch.cell_ids[group * kGroup + vector_offset(v, 0)]));
  }
  const auto first_block = static_cast<std::uint32_t>(state.slices.begin(slice)) / 4;
  const auto end_block = (static_cast<std::uint32_t>(state.slices.end(slice)) + 3) / 4;
  for (std::uint32_t block = first_block; block < end_block; ++block) {
    const PhiloxGenes genes(stream, block);
    for (int v = 0; v < kVectorsInGroup; ++v) {
      WordVector words[4];
      random_words(stream, cells[v], genes, words);
      for (int k = 0; k < 4; ++k) {
        hn::Store(words[k], d, draws + static_cast<std::size_t>(k) * kGroup + vector_offset(v, 0));
      }
    }
    draws += std::size_t{4} * kGroup;
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

/// Whether the draw of a zero is below its own threshold.
HWY_INLINE bool is_masked(const TrainingState& state, const Batch& batch, const BatchEntry& zero,
                          std::uint32_t bits) {
  const std::int64_t group = zero.cell / kGroup;
  const float* basis = &batch.biozero_basis[group * kBiozeroTerms * kGroup + zero.cell % kGroup];
  const float biozero =
      state.options.biozero_weight != 0
          ? state.biozero[state.entry_offset(zero)]
          : biozero_from_basis(
                basis, kGroup,
                coefficients_of(state.data, batch.biozero_curve[zero.cell], zero.gene),
                batch.biozero_shrink[zero.cell]);
  return philox::is_below(bits, biozero * state.options.mask_zero);
}

/// Masks the zeros among a slice's candidates whose draws are below their own thresholds, and
/// corrupts them. Zeros that are masked are few and far between: collected first, they cost less
/// than branches to them from the vectors would.
inline void mask_zeros(TrainingState& state, Batch& batch, std::int32_t slice) {
  std::size_t n_masked = 0;
  for (std::size_t k = 0; k < batch.n_candidates; ++k) {
    const ZeroCandidates& candidates = batch.candidates[k];
    const std::uint32_t* draws = draws_of(state, batch, candidates.gene, candidates.group);
    for (std::uint32_t lanes = candidates.lanes; lanes != 0; lanes &= lanes - 1) {
      const int lane = __builtin_ctz(lanes);
      const BatchEntry zero{candidates.gene, candidates.group * kGroup + lane};
      batch.masked_zeros[n_masked] = zero;
      n_masked += is_masked(state, batch, zero, draws[lane]) ? 1 : 0;
    }
  }
  for (const BatchEntry& zero : std::span(batch.masked_zeros).first(n_masked)) {
    const std::size_t at = state.entry_offset(zero);
    state.input[at] = corrupted_zero(state, batch, batch.cell_ids[zero.cell], zero.gene);
    state.mask_weight[at] = state.options.zero_weight;
  }
  state.sums[slice].masked_zeros = static_cast<std::int64_t>(n_masked);
  if (!state.is_sparse()) return;
  state.masked_zeros[slice].assign(
      batch.masked_zeros.begin(),
      batch.masked_zeros.begin() + static_cast<std::ptrdiff_t>(n_masked));
  for (const BatchEntry& zero : state.masked_zeros[slice]) {
    const std::size_t column = zero.cell / kGroup * state.network.shape.n_genes + zero.gene;
    const auto bit = static_cast<std::uint16_t>(1u << (zero.cell % kGroup));
    state.masked[column] |= bit;
    state.nonzeros[column] |= bit;
  }
}

/// What a slice adds to the denominators of the loss, but for masked zeros.
struct MaskCounts {
  /// Written out, since GCC compiles an implicit one without the instruction set.
  HWY_INLINE MaskCounts() {
    for (Vector& sum : biozero) sum = hn::Zero(Floats());
    masked_nonzeros = hn::Zero(Words());
  }

  WordVector masked_nonzeros;  ///< minus their number
  Vector biozero[kVectorsInGroup];
};

/// The number of entries that a vector of minus their counts holds.
HWY_INLINE std::int64_t sum_of_minus_ones(WordVector counts) {
  HWY_ALIGN std::uint32_t lanes[kLanes];
  hn::Store(counts, Words(), lanes);
  std::int64_t sum = 0;
  for (const std::uint32_t lane : lanes) sum -= static_cast<std::int32_t>(lane);
  return sum;
}

/// The lanes of a mask as bits, those of the first lowest.
HWY_INLINE std::uint32_t bits_of(FloatMask mask) {
  std::uint8_t bits[8] = {};  // as many as StoreMaskBits may write
  hn::StoreMaskBits(Floats(), mask, bits);
  return bits[0] | (kLanes > 8 ? static_cast<std::uint32_t>(bits[1]) << 8 : 0u);
}

/// Draws below a limit, or all.
struct Limit {
  HWY_INLINE Limit(std::uint32_t limit, bool always)
      : limit_(hn::Set(Words(), limit)),
        always_(hn::Set(Words(), always ? ~std::uint32_t{0} : std::uint32_t{0})) {}

  HWY_INLINE FloatMask is_above(WordVector draws) const {
    return hn::RebindMask(Floats(), hn::Or(hn::Lt(draws, limit_), hn::MaskFromVec(always_)));
  }

  WordVector limit_;
  WordVector always_;
};

/// Masks a slice's non-zeros for a group of cells and finds the candidates among its zeros. In come
/// the gathered values in the target's panel, probabilities and draws.
template <bool kWithBiozero, bool kWithBits>
HWY_INLINE void mask_group(TrainingState& state, Batch& batch, std::int32_t slice,
                           std::int64_t group, MaskCounts& counts) {
  const Floats d;
  const Words words;
  const std::int32_t first = state.slices.begin(slice);
  const std::int32_t end = state.slices.end(slice);
  const std::size_t panel = state.panel_offset(group);
  const std::size_t columns = static_cast<std::size_t>(group) * state.network.shape.n_genes;
  const std::uint32_t* HWY_RESTRICT draws = draws_of(state, batch, first, group);
  float* HWY_RESTRICT target = &state.target[panel];
  float* HWY_RESTRICT input = &state.input[panel];
  float* HWY_RESTRICT mask_weight = &state.mask_weight[panel];
  float* HWY_RESTRICT biozero = kWithBiozero ? &state.biozero[panel] : nullptr;
  const Limit nonzero_limit(state.nonzero_limit, state.nonzero_always);
  const Limit zero_limit(state.zero_limit, state.zero_always);
  const Vector nonzero_weight = hn::Set(d, state.options.nonzero_weight);
  const std::int64_t n_cells = static_cast<std::int64_t>(batch.cells.size()) - group * kGroup;
  std::size_t n_candidates = batch.n_candidates;
  for (std::int32_t gene = first; gene < end; ++gene) {
    std::uint32_t nonzero_bits = 0;
    std::uint32_t masked_bits = 0;
    std::uint32_t candidate_bits = 0;
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const int lane = v * kLanes;
      const std::size_t at = static_cast<std::size_t>(gene) * kGroup + lane;
      const WordVector draw = hn::Load(words, draws + std::int64_t{gene - first} * kGroup + lane);
      const FloatMask active = hn::FirstN(
          d, static_cast<std::size_t>(std::clamp<std::int64_t>(n_cells - lane, 0, kLanes)));
      const Vector gathered = hn::Load(d, target + at);
      const FloatMask zero = hn::And(active, hn::Eq(gathered, hn::Set(d, kAbsent)));
      const FloatMask nonzero = hn::AndNot(zero, active);
      const FloatMask masked = hn::And(nonzero, nonzero_limit.is_above(draw));
      const FloatMask candidates = hn::And(zero, zero_limit.is_above(draw));
      const Vector scaled =
          hn::IfThenElseZero(active, hn::IfThenElse(zero, hn::Set(d, kScaledZero), gathered));
      hn::Store(scaled, d, target + at);
      hn::Store(hn::IfThenZeroElse(masked, scaled), d, input + at);
      hn::Store(hn::IfThenElseZero(masked, nonzero_weight), d, mask_weight + at);
      counts.masked_nonzeros =
          hn::Add(counts.masked_nonzeros, hn::VecFromMask(words, hn::RebindMask(words, masked)));
      if constexpr (kWithBiozero) {
        const Vector probability = hn::IfThenElseZero(zero, hn::Load(d, biozero + at));
        hn::Store(probability, d, biozero + at);
        counts.biozero[v] = hn::Add(counts.biozero[v], probability);
      }
      if constexpr (kWithBits) {
        nonzero_bits |= bits_of(nonzero) << lane;
        masked_bits |= bits_of(masked) << lane;
      }
      candidate_bits |= bits_of(candidates) << lane;
    }
    if constexpr (kWithBits) {
      state.nonzeros[columns + gene] = static_cast<std::uint16_t>(nonzero_bits);
      state.masked[columns + gene] = static_cast<std::uint16_t>(masked_bits);
    }
    batch.candidates[n_candidates] = {gene, static_cast<std::int32_t>(group), candidate_bits};
    n_candidates += candidate_bits != 0 ? 1 : 0;
  }
  batch.n_candidates = n_candidates;
}

template <bool kWithBiozero, bool kWithBits>
HWY_INLINE void corrupt_gathered(TrainingState& state, Batch& batch, std::int32_t slice) {
  SliceSums& sums = state.sums[slice];
  sums = {};
  batch.n_candidates = 0;
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    if constexpr (kWithBiozero) biozero_of_slice(state, batch, slice, group);
    draw(state, batch, slice, group, draws_of(state, batch, state.slices.begin(slice), group));
    MaskCounts counts;
    mask_group<kWithBiozero, kWithBits>(state, batch, slice, group, counts);
    sums.masked_nonzeros += sum_of_minus_ones(counts.masked_nonzeros);
    sums.biozero += static_cast<double>(sum_of_group(counts.biozero));
  }
  mask_zeros(state, batch, slice);
}

/// Phase 1, second part: from the gathered values to the slice's input, target and weights, and its
/// part of the denominators.
inline void corrupt_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  const bool with_biozero = state.options.biozero_weight != 0;
  if (state.is_sparse()) {
    with_biozero ? corrupt_gathered<true, true>(state, batch, slice)
                 : corrupt_gathered<false, true>(state, batch, slice);
  } else {
    with_biozero ? corrupt_gathered<true, false>(state, batch, slice)
                 : corrupt_gathered<false, false>(state, batch, slice);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
