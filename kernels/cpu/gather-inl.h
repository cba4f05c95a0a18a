// Writes a batch's scaled values to panels: from rows of entries to columns of genes.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_GATHER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_GATHER_INL_H
#undef MASKCLASS_GATHER_INL_H
#else
#define MASKCLASS_GATHER_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"
#include "kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// Scaled values in a cache line.
inline constexpr std::int64_t kEntriesInLine = 16;

/// Marks an entry that the data set does not store, before it is known to be a zero: no scaled
/// value is below -1.
inline constexpr float kAbsent = -2.0f;

/// For each byte of bits and each of its eight: how many lower ones are set, less 128 where it is
/// not set itself.
inline constexpr std::size_t kBytes = 256;
inline constexpr auto kPlaces = [] {
  std::array<std::int8_t, kBytes * 8> places{};
  for (unsigned bits = 0; bits < kBytes; ++bits) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const int place = std::popcount(bits & ((1u << bit) - 1));
      places[bits * 8 + bit] =
          static_cast<std::int8_t>((bits >> bit & 1u) != 0 ? place : place - 128);
    }
  }
  return places;
}();

/// Puts the numbers that follow each other in `entries` where a bit is set, in order, and `absent`
/// elsewhere.
HWY_INLINE SquareVector expand(SquareVector entries, std::uint32_t bits, SquareVector absent) {
  const SquareFloats d;
  const hn::Rebind<std::int8_t, SquareFloats> bytes;
  const hn::Rebind<std::int32_t, SquareFloats> words;
  const auto places = hn::PromoteTo(words, hn::LoadU(bytes, &kPlaces[std::size_t{bits} * 8]));
  const auto indices = hn::IndicesFromVec(d, hn::And(places, hn::Set(words, 7)));
  const auto is_absent = hn::RebindMask(d, hn::Lt(places, hn::Zero(words)));
  return hn::IfThenElse(is_absent, absent, hn::TableLookupLanes(entries, indices));
}

/// Asks for the cache line of a scaled value, where there is one: the rows of a batch lie scattered
/// over memory.
HWY_INLINE void prefetch_entry(const ScaledData& data, std::int64_t at) {
  if (at < static_cast<std::int64_t>(data.scaled.size())) hwy::Prefetch(&data.scaled[at]);
}

/// Points the batch's cursors at the entries of `gene`, a multiple of 8, and of later ones, and
/// asks for these entries.
inline void seek_gene(const TrainingState& state, Batch& batch, std::int32_t gene) {
  const ScaledData& data = state.data;
  const std::int64_t n_bytes = gene / 8;
  for (std::size_t cell = 0; cell < batch.cells.size(); ++cell) {
    const std::uint8_t* bits = batch.stored[cell];
    std::int64_t at = data.indptr[batch.cells[cell]];
    std::int64_t byte = 0;
    for (; byte + 8 <= n_bytes; byte += 8) {
      std::uint64_t word;
      std::memcpy(&word, bits + byte, sizeof word);
      at += std::popcount(word);
    }
    for (; byte < n_bytes; ++byte) at += std::popcount(bits[byte]);
    batch.cursors[cell] = at;
    prefetch_entry(data, at);
    prefetch_entry(data, at + kEntriesInLine);
  }
  for (std::size_t cell = batch.cells.size(); cell < batch.cursors.size(); ++cell) {
    batch.cursors[cell] = 0;
  }
}

/// Which genes of the slice unit from `gene` on a cell stores.
HWY_INLINE std::uint32_t bits_of_unit(const std::uint8_t* stored, std::int64_t gene) {
  std::uint32_t bits;
  std::memcpy(&bits, stored + gene / 8, sizeof bits);
  return bits & ((1u << Slices::kUnit) - 1);
}

/// rows[k][gene of the unit] of one cell after another: the scaled values of kSquare cells in the
/// genes of a slice unit from `gene` on, and `absent` where the data set stores none. Moves the
/// cells' cursors on.
HWY_INLINE void expand_unit(const ScaledData& data, const std::uint8_t* const* stored,
                            std::int64_t gene, SquareVector absent, std::int64_t* cursors,
                            float (&rows)[kSquare][Slices::kUnit]) {
  const SquareFloats d;
  const auto n_entries = static_cast<std::int64_t>(data.scaled.size());
  for (int k = 0; k < kSquare; ++k) {
    const std::uint32_t bits = bits_of_unit(stored[k], gene);
    const std::int64_t at = cursors[k];
    const float* entries = data.scaled.data() + at;
    float last[Slices::kUnit + kSquare];
    if (HWY_UNLIKELY(at + Slices::kUnit + kSquare > n_entries)) {
      std::fill(std::copy(data.scaled.begin() + at, data.scaled.end(), last), std::end(last), 0.0f);
      entries = last;
    }
    MASKCLASS_UNROLL(6)
    for (int first = 0; first < Slices::kUnit; first += kSquare) {
      const std::uint32_t of_square = bits >> first & ((1u << kSquare) - 1);
      hn::Store(expand(hn::LoadU(d, entries), of_square, absent), d, &rows[k][first]);
      entries += std::popcount(of_square);
    }
    cursors[k] = at + std::popcount(bits);
  }
}

/// Writes the scaled values of the batch in a slice's genes to panels, and `absent` where the data
/// set stores none. The batch's cursors stand where the slice starts in each cell's entries, and
/// move on to its end.
inline void gather(const TrainingState& state, Batch& batch, std::int32_t slice, float absent,
                   AlignedFloats& panels) {
  const SquareFloats d;
  const SquareVector nothing = hn::Set(d, absent);
  const std::int64_t end = state.slices.end(slice);
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    float* HWY_RESTRICT panel = &panels[state.panel_offset(group)];
    for (std::int64_t lane = 0; lane < kGroup; lane += kSquare) {
      const std::int64_t cell = group * kGroup + lane;
      for (std::int64_t unit = state.slices.begin(slice); unit < end; unit += Slices::kUnit) {
        HWY_ALIGN float rows[kSquare][Slices::kUnit];
        expand_unit(state.data, &batch.stored[cell], unit, nothing, &batch.cursors[cell], rows);
        const std::int64_t n_genes = std::min<std::int64_t>(Slices::kUnit, end - unit);
        for (std::int64_t gene = 0; gene < n_genes; gene += kSquare) {
          SquareVector square[kSquare];
          for (int k = 0; k < kSquare; ++k) square[k] = hn::Load(d, &rows[k][gene]);
          transpose(square);
          float* HWY_RESTRICT to = panel + (unit + gene) * kGroup + lane;
          const std::int64_t n = std::min<std::int64_t>(kSquare, n_genes - gene);
          for (std::int64_t k = 0; k < n; ++k) hn::Store(square[k], d, to + k * kGroup);
        }
      }
      for (int k = 0; k < kSquare; ++k) {
        prefetch_entry(state.data, batch.cursors[cell + k] + 2 * kEntriesInLine);
      }
    }
  }
}

/// Phase 1, first part: the scaled values of the batch to the slice's target.
inline void gather_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  gather(state, batch, slice, kAbsent, state.target);
}

/// The same without masks to come: fills the slice's input.
inline void load_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  gather(state, batch, slice, kScaledZero, state.input);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
