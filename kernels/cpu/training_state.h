#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"
#include "kernels/cpu/layout.h"
#include "kernels/cpu/stored_genes.h"
#include "kernels/math/adam_step.h"

namespace maskclass::cpu {

/// One trained array with Adam's moments, all of one layout.
struct Tensor {
  void resize(std::size_t n);

  AlignedFloats value;
  AlignedFloats first_moment;
  AlignedFloats second_moment;
};

/// Linear map, LayerNorm and SiLU.
struct Block {
  std::int32_t n_in = 0;
  std::int32_t n_out = 0;
  /// The first block: [gene][padded(n_out)], so that a slice of genes is one run of memory.
  /// The others: [n_out][padded(n_in)].
  Tensor weight;
  Tensor bias;   ///< [padded(n_out)]
  Tensor gain;   ///< [padded(n_out)]
  Tensor shift;  ///< [padded(n_out)]
};

// clang-tidy 14 takes the index of the compiler's own copy of `blocks` for a name of ours.
struct Network {  // NOLINT(bugprone-reserved-identifier)
  explicit Network(const NetworkShape& shape);

  NetworkShape shape;
  Slices slices;
  Block blocks[3];
  Tensor output_weight;  ///< [gene][padded(hidden)]
  Tensor output_bias;    ///< [slice][padded(slices.width)]: no vector is of two slices.
};

/// What a block keeps of a batch between forward and backward.
struct BlockActivations {
  void resize(std::int32_t n_out, std::int64_t n_groups);

  AlignedFloats linear;             ///< panel [group][n_out][16]: linear output, then normalised.
  AlignedFloats inverse_deviation;  ///< [group][16]
  AlignedFloats sigmoid;            ///< panel, of LayerNorm's output.
  AlignedFloats output;             ///< panel
  AlignedFloats output_transposed;  ///< [padded(n_out) / 16][cell][16 units]
  AlignedFloats gradient;           ///< panel: of the loss with respect to the linear output.
  AlignedFloats bias_gradient;      ///< [group][padded(n_out)], sums over the group's cells.
  AlignedFloats gain_gradient;      ///< likewise
  AlignedFloats shift_gradient;     ///< likewise
};

/// Sums of one slice over a batch.
struct SliceSums {
  std::int64_t masked_zeros = 0;
  std::int64_t masked_nonzeros = 0;
  double biozero = 0;       ///< sum of p over the zeros
  double masked_loss = 0;   ///< sum of weight * residual^2 over the masked entries
  double biozero_loss = 0;  ///< sum of p * residual^2 over the zeros
};

/// One over each denominator of the loss; 0 where that is empty.
struct LossScale {
  double masked = 0;
  double biozero = 0;
};

/// An entry of a batch.
struct BatchEntry {
  std::int32_t gene;
  std::int32_t cell;  ///< in the batch
};

/// Zeros of a gene and a group of cells whose draws are below the largest threshold of any zero.
struct ZeroCandidates {
  std::int32_t gene;
  std::int32_t group;
  std::uint32_t lanes;  ///< a bit each
};

/// What a thread knows of the batch at hand. Each thread has its own, so that none has to wait
/// before it starts on the next batch.
struct Batch {
  Batch(std::int64_t most_groups, const Network& network);

  std::int32_t first_slice = 0;  ///< of the thread's
  std::uint32_t epoch = 0;
  std::span<const std::uint32_t> cells;  ///< rows of the data set
  std::int64_t n_groups = 0;
  AdamStep adam;                 ///< of the current step
  LossScale loss_scale;          ///< from phase 3 on
  AlignedWords cell_ids;         ///< [padded batch]: index in the input
  AlignedFloats biozero_basis;   ///< [group][kBiozeroTerms][16]
  AlignedFloats biozero_shrink;  ///< [group][16]
  AlignedWords biozero_curve;    ///< [group][16]: whose coefficients hold for a cell
  std::vector<std::vector<std::uint32_t>> curves_of_group;  ///< [group]: those of its cells
  std::vector<const std::uint8_t*>
      stored;  ///< [padded batch]: bits of the genes that a cell stores
  std::vector<std::int64_t>
      cursors;         ///< [padded batch]: where the next slice starts in the entries.
  AlignedWords draws;  ///< [group][gene of a slice][16]: for masks
  std::vector<ZeroCandidates> candidates;  ///< of a slice: the first n_candidates
  std::size_t n_candidates = 0;
  std::vector<BatchEntry> masked_zeros;  ///< of a slice; room for all its entries
  bool sparse_input = false;  ///< Whether the slices' partial sums of phase 1 lie by cell.
  // Of the sparse schedules.
  std::vector<std::uint32_t> nonzeros_of_cell;  ///< [cell][unit of a slice]: a bit for each gene
  AlignedFloats gradient_of_cell;  ///< [cell][padded(hidden)]: what a slice adds to `partial`
  AlignedFloats row_gradient;      ///< [padded(hidden)], of one gene's output weights
  AlignedFloats bias_gradient;     ///< [padded(slices.width)], of a slice's output biases
};

/// Everything that the phases of a training step read and write.
struct TrainingState {
  TrainingState(const ScaledData& data, const NetworkShape& shape, const TrainingOptions& options);

  const ScaledData& data;
  const StoredGenes stored;
  const TrainingOptions options;
  Network network;
  const Slices& slices = network.slices;
  std::int64_t most_groups = 0;     ///< groups of cells of a whole batch
  std::uint32_t nonzero_limit = 0;  ///< floor(mask_nonzero * 2^32): a non-zero is masked below it.
  bool nonzero_always = false;      ///< where that is 2^32
  std::uint32_t zero_limit = 0;     ///< The same for zeros that are certainly biological.
  bool zero_always = false;

  // Panels [group][gene][16].
  AlignedFloats input;        ///< corrupted, scaled
  AlignedFloats target;       ///< scaled; the decoder overwrites it by the output's gradient.
  AlignedFloats mask_weight;  ///< w_bio or w_nz at masked entries, else 0
  AlignedFloats biozero;      ///< biozero probability at zeros, else 0

  AlignedFloats partial;  ///< [slice][group]: what a slice adds to the first block's linear output,
                          ///< then to the gradient of the last block's output; [hidden][16 cells],
                          ///< or, of a sparse schedule, [16 cells][padded(hidden)].
  std::vector<std::uint8_t> has_partial;  ///< [slice]: 0 where it was added to that of the first
                                          ///< slice of its run.
  AlignedFloats by_cell;  ///< [group][16 cells][padded(hidden)]: the sum of such partial sums.
  AlignedFloats encoder_gradient;  ///< [padded(hidden) / 16][cell][16 units]: of the loss with
                                   ///< respect to the first block's linear output.
  AlignedFloats loss_of_cells;     ///< [slice][masked, biozero][cell]: the loss, before its scale.
  BlockActivations activations[3];
  std::vector<SliceSums> sums;  ///< [slice]

  // Of the sparse schedules.
  bool sparse_input = false;            ///< Phases 1 and 5 go through non-zeros only.
  bool sparse_output = false;           ///< Phase 3 goes through masked entries only.
  AlignedFloats weight_sum;             ///< [slice][padded(hidden)]: of the first block's weights.
  std::vector<std::uint16_t> nonzeros;  ///< [group][gene]: a bit for each cell whose input is not
                                        ///< that of a zero; may be set where it is.
  std::vector<std::uint16_t> masked;    ///< [group][gene]: a bit for each masked cell.
  std::vector<std::vector<BatchEntry>> masked_zeros;  ///< [slice]

  void choose_schedule();
  bool is_sparse() const { return sparse_input || sparse_output; }
  /// Sets weight_sum from the weights.
  void sum_weights();

  /// Writes nothing where it is so already: all threads have these bytes in their caches.
  void set_has_partial(std::int32_t slice, bool has) {
    const std::uint8_t value = has ? 1 : 0;
    if (has_partial[slice] != value) has_partial[slice] = value;
  }

  /// From one group to the next in a panel array.
  std::size_t panel() const { return static_cast<std::size_t>(network.shape.n_genes) * kGroup; }
  std::size_t panel_offset(std::int64_t group) const { return group * panel(); }
  std::size_t entry_offset(const BatchEntry& entry) const {
    return panel_offset(entry.cell / kGroup) + static_cast<std::size_t>(entry.gene) * kGroup +
           static_cast<std::size_t>(entry.cell % kGroup);
  }
  /// From one group of units to the next in a transposed panel. It has room for a whole batch, so
  /// that a smaller one leaves the zeros of padding units alone.
  std::size_t unit_panel() const { return static_cast<std::size_t>(most_groups) * kGroup * kGroup; }
  /// Start of a slice's part of the first group.
  std::size_t slice_offset(std::int32_t slice) const {
    return static_cast<std::size_t>(slices.begin(slice)) * kGroup;
  }
  std::size_t loss_offset(std::int32_t slice) const {
    return static_cast<std::size_t>(slice) * 2 * most_groups * kGroup;
  }
  std::size_t partial_offset(std::int32_t slice, std::int64_t group) const {
    return (static_cast<std::size_t>(slice) * most_groups + group) * padded(network.shape.hidden) *
           kGroup;
  }
};

/// Points a thread's view at the given rows of the data set: their ids, bits and biozero basis.
void set_cells(const TrainingState& state, std::span<const std::uint32_t> cells, Batch& batch);

}  // namespace maskclass::cpu
