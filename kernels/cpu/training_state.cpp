#include "kernels/cpu/training_state.h"

#include <algorithm>
#include <cmath>

#include "kernels/math/biozero.h"

namespace maskclass::cpu {

namespace {

/// floor(probability * 2^32), or `always` where that does not fit.
void set_limit(double probability, std::uint32_t& limit, bool& always) {
  const double exact = std::floor(probability * 0x1p32);
  always = exact >= 0x1p32;
  limit = always ? 0 : static_cast<std::uint32_t>(exact);
}

}  // namespace

void Tensor::resize(std::size_t n) {
  value.assign(n, 0.0f);
  first_moment.assign(n, 0.0f);
  second_moment.assign(n, 0.0f);
}

Network::Network(const NetworkShape& network_shape) : shape(network_shape), slices(shape.n_genes) {
  const std::int32_t widths[4] = {shape.n_genes, shape.hidden, shape.latent, shape.hidden};
  for (int b = 0; b < 3; ++b) {
    Block& block = blocks[b];
    block.n_in = widths[b];
    block.n_out = widths[b + 1];
    block.weight.resize(b == 0 ? block.n_in * padded(block.n_out)
                               : block.n_out * padded(block.n_in));
    block.bias.resize(padded(block.n_out));
    block.gain.resize(padded(block.n_out));
    block.shift.resize(padded(block.n_out));
  }
  output_weight.resize(shape.n_genes * padded(shape.hidden));
  output_bias.resize(slices.count * padded(slices.width));
}

void BlockActivations::resize(std::int32_t n_out, std::int64_t n_groups) {
  const std::size_t panel = static_cast<std::size_t>(n_groups) * n_out * kGroup;
  const std::size_t transposed = static_cast<std::size_t>(n_groups) * kGroup * padded(n_out);
  const std::size_t sums = static_cast<std::size_t>(n_groups) * padded(n_out);
  for (AlignedFloats* array : {&linear, &sigmoid, &output, &gradient}) array->assign(panel, 0.0f);
  for (AlignedFloats* array : {&output_transposed, &gradient_transposed}) {
    array->assign(transposed, 0.0f);
  }
  for (AlignedFloats* array : {&bias_gradient, &gain_gradient, &shift_gradient}) {
    array->assign(sums, 0.0f);
  }
  inverse_deviation.assign(static_cast<std::size_t>(n_groups) * kGroup, 0.0f);
}

Batch::Batch(std::int64_t most_groups, int n_biozero_terms)
    : cell_ids(most_groups * kGroup),
      biozero_basis(most_groups * n_biozero_terms * kGroup),
      biozero_shrink(most_groups * kGroup),
      cursors(most_groups * kGroup) {}

TrainingState::TrainingState(const ScaledData& scaled_data, const NetworkShape& shape,
                             const TrainingOptions& training_options)
    : data(scaled_data), options(training_options), network(shape) {
  set_limit(options.mask_nonzero, nonzero_limit, nonzero_always);
  set_limit(static_cast<double>(options.mask_zero), zero_limit, zero_always);
  most_groups = groups_for(std::min<std::int64_t>(options.batch_size, data.n_cells));
  const std::size_t panels = panel_offset(most_groups);
  for (AlignedFloats* array : {&input, &target, &mask_weight}) array->resize(panels);
  if (options.biozero_weight != 0) biozero.resize(panels);
  partial.resize(partial_offset(slices.count, 0));
  loss_of_cells.resize(loss_offset(slices.count));
  for (int b = 0; b < 3; ++b) activations[b].resize(network.blocks[b].n_out, most_groups);
  sums.resize(slices.count);
}

namespace {

/// About where a gene lies in the entries of a row, if genes were spread evenly.
std::int64_t expected_entry(const ScaledData& data, std::uint32_t row, std::int32_t gene) {
  const std::int64_t begin = data.indptr[row];
  return begin + (data.indptr[row + 1] - begin) * gene / data.n_genes;
}

/// The first entry of a row that is of `gene` or a later one: from where it is expected, step by
/// step, since a bisection would wait for memory at every step.
std::int64_t find_entry(const ScaledData& data, std::uint32_t row, std::int32_t gene) {
  std::int64_t at = expected_entry(data, row, gene);
  while (at > data.indptr[row] && data.indices[at - 1] >= gene) --at;
  while (at < data.indptr[row + 1] && data.indices[at] < gene) ++at;
  return at;
}

/// Asks for the entries around one: the rows of a batch lie scattered over memory.
void prefetch(const ScaledData& data, std::int64_t at) {
  constexpr std::int64_t kEntriesInLine = 16;
  const std::int64_t last = static_cast<std::int64_t>(data.indices.size()) - 1;
  for (std::int64_t line = -1; line <= 2; ++line) {
    const std::int64_t near = std::clamp<std::int64_t>(at + line * kEntriesInLine, 0, last);
    __builtin_prefetch(&data.indices[near]);
    __builtin_prefetch(&data.scaled[near]);
  }
}

}  // namespace

void set_cells(const ScaledData& data, std::span<const std::uint32_t> cells,
               std::int32_t first_gene, Batch& batch) {
  batch.cells = cells;
  batch.n_groups = groups_for(static_cast<std::int64_t>(cells.size()));
  if (!data.indices.empty()) {
    for (const std::uint32_t row : cells) prefetch(data, expected_entry(data, row, first_gene));
  }
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const std::uint32_t row = cells[cell];
    batch.cell_ids[cell] = data.cell_ids[row];
    batch.biozero_shrink[cell] = data.biozero_shrink[row];
    float basis[kBiozeroTerms];
    chebyshev_basis(data.biozero_position[row], basis);
    const std::size_t group = cell / kGroup;
    for (int k = 0; k < kBiozeroTerms; ++k) {
      batch.biozero_basis[(group * kBiozeroTerms + k) * kGroup + cell % kGroup] = basis[k];
    }
  }
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    batch.cursors[cell] = find_entry(data, cells[cell], first_gene);
  }
}

}  // namespace maskclass::cpu
