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
/// `gene_of_first` on.
template <int kGenes>
HWY_INLINE void biozero_probabilities(const ScaledData& data, const Batch& batch,
                                      std::int64_t group, std::int32_t gene_of_first,
                                      Vector (&p)[kGenes][kVectorsInGroup]) {
  const Floats d;
  const float* HWY_RESTRICT shrink = &batch.biozero_shrink[group * kGroup];
  const std::vector<std::uint32_t>& curves = batch.curves_of_group[group];
  biozero_sums(&batch.biozero_basis[group * kBiozeroTerms * kGroup],
               coefficients_of(data, curves[0], gene_of_first), p);
  if (HWY_UNLIKELY(curves.size() > 1)) {
    // A copy, so that the sums can stay in registers where there is one curve.
    Vector mixed[kGenes][kVectorsInGroup];
    for (int gene = 0; gene < kGenes; ++gene) {
      for (int v = 0; v < kVectorsInGroup; ++v) mixed[gene][v] = p[gene][v];
    }
    mix_curves(data, batch, group, gene_of_first, mixed);
    for (int gene = 0; gene < kGenes; ++gene) {
      for (int v = 0; v < kVectorsInGroup; ++v) p[gene][v] = mixed[gene][v];
    }
  }
  for (int v = 0; v < kVectorsInGroup; ++v) {
    const Vector factor = hn::Load(d, shrink + vector_offset(v, 0));
    for (int gene = 0; gene < kGenes; ++gene) {
      p[gene][v] = hn::Mul(hn::Min(hn::Max(p[gene][v], hn::Zero(d)), hn::Set(d, 1.0f)), factor);
    }
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

/// Corrupts the zeros among `candidates`, cells of one vector whose draws, `random`, are below the
/// largest threshold there is, where they are also below their own. `at` is where the vector's
/// entries of the gene lie in the panels.
inline void mask_zeros(TrainingState& state, const Batch& batch, std::int32_t gene,
                       std::size_t first_cell, std::size_t at, std::uint32_t candidates,
                       const std::uint32_t* random, std::int64_t& masked_zeros) {
  for (; candidates != 0; candidates &= candidates - 1) {
    const int lane = __builtin_ctz(candidates);
    const std::size_t cell = first_cell + lane;
    const float biozero =
        state.options.biozero_weight != 0
            ? state.biozero[at + lane]
            : biozero_from_basis(
                  &batch.biozero_basis[cell / kGroup * kBiozeroTerms * kGroup + cell % kGroup],
                  kGroup, coefficients_of(state.data, batch.biozero_curve[cell], gene),
                  batch.biozero_shrink[cell]);
    if (!philox::is_below(random[lane], biozero * state.options.mask_zero)) continue;
    state.input[at + lane] = corrupted_zero(state, batch, batch.cell_ids[cell], gene);
    state.mask_weight[at + lane] = state.options.zero_weight;
    if (state.is_sparse()) {
      const std::size_t column = cell / kGroup * state.network.shape.n_genes + gene;
      const auto bit = static_cast<std::uint16_t>(1u << (cell % kGroup));
      state.masked[column] |= bit;
      state.nonzeros[column] |= bit;
      state.masked_zeros[gene / state.slices.width].push_back(
          {gene, static_cast<std::int32_t>(cell)});
    }
    ++masked_zeros;
  }
}

/// What a slice adds to the denominators of the loss.
struct MaskCounts {
  /// Written out, since GCC compiles an implicit one without the instruction set.
  HWY_INLINE MaskCounts() {
    for (Vector& sum : biozero) sum = hn::Zero(Floats());
    masked_nonzeros = hn::Zero(Words());
  }

  std::int64_t masked_zeros = 0;
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

/// Which lanes of a group hold cells, and what these bring to the random numbers.
struct GroupOfCells {
  HWY_INLINE GroupOfCells(const Batch& batch, const PhiloxStream& stream, std::int64_t group) {
    const std::int64_t n_cells = static_cast<std::int64_t>(batch.cells.size());
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const std::int64_t first = group * kGroup + static_cast<std::int64_t>(v) * kLanes;
      active[v] = hn::FirstN(
          Floats(), static_cast<std::size_t>(std::clamp<std::int64_t>(n_cells - first, 0, kLanes)));
      philox[v].set(stream, hn::Load(Words(), &batch.cell_ids[first]));
    }
  }

  FloatMask active[kVectorsInGroup];  ///< lanes that hold cells of the batch
  PhiloxCells philox[kVectorsInGroup];
};

/// Vector v's bits of a group of 16; vectors come in order.
HWY_INLINE void put_bits(FloatMask mask, int v, std::uint16_t& group) {
  std::uint8_t bits[8] = {};  // as many as StoreMaskBits may write
  hn::StoreMaskBits(Floats(), mask, bits);
  const unsigned lanes = bits[0] | (kLanes > 8 ? bits[1] << 8 : 0);
  group = static_cast<std::uint16_t>((v == 0 ? 0u : group) | lanes << (v * kLanes));
}

/// Masks and corrupts `kGenes` genes of a group from `gene` on, at most the four that share a
/// Philox block. Their gathered values lie in the target's panel at `at`.
template <int kGenes, bool kWithBiozero, bool kWithBits>
HWY_INLINE void corrupt_genes(TrainingState& state, const Batch& batch, const PhiloxStream& stream,
                              const GroupOfCells& cells, std::int64_t group, std::int32_t gene,
                              std::size_t at, MaskCounts& counts) {
  const Floats d;
  const Words words;
  const std::size_t first_cell = group * kGroup;
  float* HWY_RESTRICT target = state.target.data() + at;
  float* HWY_RESTRICT input = state.input.data() + at;
  float* HWY_RESTRICT mask_weight = state.mask_weight.data() + at;
  float* HWY_RESTRICT biozero = kWithBiozero ? state.biozero.data() + at : nullptr;
  const WordVector nonzero_limit = hn::Set(words, state.nonzero_limit);
  const WordVector zero_limit = hn::Set(words, state.zero_limit);
  const Vector nonzero_weight = hn::Set(d, state.options.nonzero_weight);
  const bool nonzero_always = state.nonzero_always;
  const bool zero_always = state.zero_always;

  Vector p[kGenes][kVectorsInGroup];
  if constexpr (kWithBiozero) {
    biozero_probabilities(state.data, batch, group, gene, p);
  }
  const PhiloxGenes genes(stream, static_cast<std::uint32_t>(gene) / 4);
  std::uint16_t* HWY_RESTRICT nonzero_bits =
      kWithBits ? &state.nonzeros[group * state.network.shape.n_genes + gene] : nullptr;
  std::uint16_t* HWY_RESTRICT masked_bits =
      kWithBits ? &state.masked[group * state.network.shape.n_genes + gene] : nullptr;
  for (int v = 0; v < kVectorsInGroup; ++v) {
    WordVector random[4];
    random_words(stream, cells.philox[v], genes, random);
    for (int k = 0; k < kGenes; ++k) {
      const std::size_t entry = static_cast<std::size_t>(k) * kGroup + vector_offset(v, 0);
      const Vector gathered = hn::Load(d, target + entry);
      const FloatMask zero = hn::And(cells.active[v], hn::Eq(gathered, hn::Set(d, kAbsent)));
      FloatMask masked = hn::AndNot(zero, cells.active[v]);
      if constexpr (kWithBits) put_bits(masked, v, nonzero_bits[k]);
      if (!nonzero_always) {
        masked = hn::And(masked, hn::RebindMask(d, hn::Lt(random[k], nonzero_limit)));
      }
      if constexpr (kWithBits) put_bits(masked, v, masked_bits[k]);
      const Vector scaled = hn::IfThenElseZero(
          cells.active[v], hn::IfThenElse(zero, hn::Set(d, kScaledZero), gathered));
      hn::Store(scaled, d, target + entry);
      hn::Store(hn::IfThenZeroElse(masked, scaled), d, input + entry);
      hn::Store(hn::IfThenElseZero(masked, nonzero_weight), d, mask_weight + entry);
      counts.masked_nonzeros =
          hn::Add(counts.masked_nonzeros, hn::VecFromMask(words, hn::RebindMask(words, masked)));
      if constexpr (kWithBiozero) {
        const Vector probability = hn::IfThenElseZero(zero, p[k][v]);
        hn::Store(probability, d, biozero + entry);
        counts.biozero[v] = hn::Add(counts.biozero[v], probability);
      }
      // Few vectors have a zero whose draw is below the largest threshold there is.
      FloatMask candidates = zero;
      if (!zero_always) {
        candidates = hn::And(zero, hn::RebindMask(d, hn::Lt(random[k], zero_limit)));
      }
      if (HWY_UNLIKELY(!hn::AllFalse(d, candidates))) {
        HWY_ALIGN std::uint32_t draws[kLanes];
        hn::Store(random[k], words, draws);
        std::uint8_t bits[8] = {};
        hn::StoreMaskBits(d, candidates, bits);
        mask_zeros(state, batch, gene + k, first_cell + vector_offset(v, 0), at + entry,
                   static_cast<std::uint32_t>(bits[0] | bits[1] << 8), draws, counts.masked_zeros);
      }
    }
  }
}

template <bool kWithBiozero, bool kWithBits>
HWY_INLINE void corrupt_gathered(TrainingState& state, const Batch& batch, std::int32_t slice) {
  const std::int32_t first = state.slices.begin(slice);
  const std::int32_t end = state.slices.end(slice);
  const PhiloxStream stream(state.options.seed, philox::Purpose::mask, batch.epoch);
  SliceSums& sums = state.sums[slice];
  sums = {};
  if constexpr (kWithBits) state.masked_zeros[slice].clear();
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    const std::size_t panel = state.panel_offset(group);
    const GroupOfCells cells(batch, stream, group);
    MaskCounts counts;
    std::int32_t gene = first;
    for (; gene + 4 <= end; gene += 4) {
      corrupt_genes<4, kWithBiozero, kWithBits>(state, batch, stream, cells, group, gene,
                                                panel + static_cast<std::size_t>(gene) * kGroup,
                                                counts);
    }
    const std::size_t at = panel + static_cast<std::size_t>(gene) * kGroup;
    switch (end - gene) {
      case 1:
        corrupt_genes<1, kWithBiozero, kWithBits>(state, batch, stream, cells, group, gene, at,
                                                  counts);
        break;
      case 2:
        corrupt_genes<2, kWithBiozero, kWithBits>(state, batch, stream, cells, group, gene, at,
                                                  counts);
        break;
      case 3:
        corrupt_genes<3, kWithBiozero, kWithBits>(state, batch, stream, cells, group, gene, at,
                                                  counts);
        break;
      default:
        break;
    }
    sums.masked_zeros += counts.masked_zeros;
    sums.masked_nonzeros += sum_of_minus_ones(counts.masked_nonzeros);
    sums.biozero += static_cast<double>(sum_of_group(counts.biozero));
  }
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
