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
  output_transposed.assign(transposed, 0.0f);
  for (AlignedFloats* array : {&bias_gradient, &gain_gradient, &shift_gradient}) {
    array->assign(sums, 0.0f);
  }
  inverse_deviation.assign(static_cast<std::size_t>(n_groups) * kGroup, 0.0f);
}

Batch::Batch(std::int64_t most_groups, const Network& network)
    : cell_ids(most_groups * kGroup),
      biozero_basis(most_groups * kBiozeroTerms * kGroup),
      biozero_shrink(most_groups * kGroup),
      biozero_curve(most_groups * kGroup),
      curves_of_group(most_groups, {0}),
      stored(most_groups * kGroup),
      cursors(most_groups * kGroup),
      draws(most_groups * network.slices.width * kGroup),
      // An entry more each: one is written before it is known to count.
      candidates(most_groups * network.slices.width + 1),
      masked_zeros(most_groups * network.slices.width * kGroup + 1),
      nonzeros_of_cell(most_groups * kGroup * network.slices.width / Slices::kUnit),
      gradient_of_cell(most_groups * kGroup * padded(network.shape.hidden)),
      row_gradient(padded(network.shape.hidden)),
      bias_gradient(padded(network.slices.width)) {}

TrainingState::TrainingState(const ScaledData& scaled_data, const NetworkShape& shape,
                             const TrainingOptions& training_options)
    : data(scaled_data), stored(scaled_data), options(training_options), network(shape) {
  set_limit(options.mask_nonzero, nonzero_limit, nonzero_always);
  set_limit(static_cast<double>(options.mask_zero), zero_limit, zero_always);
  most_groups = groups_for(std::min<std::int64_t>(options.batch_size, data.n_cells));
  const std::size_t panels = panel_offset(most_groups);
  for (AlignedFloats* array : {&input, &target, &mask_weight}) array->resize(panels);
  if (options.biozero_weight != 0) biozero.resize(panels);
  partial.resize(partial_offset(slices.count, 0));
  has_partial.resize(slices.count);
  loss_of_cells.resize(loss_offset(slices.count));
  for (int b = 0; b < 3; ++b) activations[b].resize(network.blocks[b].n_out, most_groups);
  sums.resize(slices.count);
  masked_zeros.resize(slices.count);
  const std::size_t by_cells =
      static_cast<std::size_t>(most_groups) * kGroup * padded(shape.hidden);
  by_cell.resize(by_cells);
  encoder_gradient.resize(by_cells);
  choose_schedule();
  const std::size_t columns = static_cast<std::size_t>(most_groups) * shape.n_genes;
  if (sparse_input) weight_sum.resize(slices.count * padded(shape.hidden));
  if (is_sparse()) {
    nonzeros.resize(columns);
    masked.resize(columns);
  }
}

/// The rule looks at the data and the options alone, so that a seed's bits do not depend on the
/// machine. On the way in, an entry costs about as much in the one schedule as in the other, and
/// the sparse one has its lists besides. On the way out, a masked entry costs some four times as
/// much.
void TrainingState::choose_schedule() {
  const double entries = static_cast<double>(data.n_cells) * data.n_genes;
  const double nonzeros_share = static_cast<double>(data.indices.size()) / entries;
  const double masked_share =
      nonzeros_share * std::min(options.mask_nonzero, 1.0) +
      (1 - nonzeros_share) * std::min(static_cast<double>(options.mask_zero), 1.0);
  switch (options.schedule) {
    case Schedule::automatic:
      sparse_input = nonzeros_share < 0.35;
      sparse_output = options.biozero_weight == 0 && masked_share < 0.25;
      break;
    case Schedule::dense:
      break;
    case Schedule::sparse:
      sparse_input = true;
      sparse_output = options.biozero_weight == 0;
      break;
  }
}

void TrainingState::sum_weights() {
  if (!sparse_input) return;
  const std::int64_t width = padded(network.shape.hidden);
  std::fill(weight_sum.begin(), weight_sum.end(), 0.0f);
  for (std::int32_t slice = 0; slice < slices.count; ++slice) {
    for (std::int64_t gene = slices.begin(slice); gene < slices.end(slice); ++gene) {
      for (std::int64_t unit = 0; unit < width; ++unit) {
        weight_sum[slice * width + unit] += network.blocks[0].weight.value[gene * width + unit];
      }
    }
  }
}

namespace {

/// Where all cells share one curve, everything stays 0.
void set_curves(const ScaledData& data, Batch& batch) {
  if (data.biozero_curve.empty()) return;
  for (std::int64_t group = 0; group < batch.n_groups; ++group)
    batch.curves_of_group[group].clear();
  for (std::size_t cell = 0; cell < batch.cells.size(); ++cell) {
    const std::uint32_t curve = data.biozero_curve[batch.cells[cell]];
    batch.biozero_curve[cell] = curve;
    std::vector<std::uint32_t>& curves = batch.curves_of_group[cell / kGroup];
    if (std::find(curves.begin(), curves.end(), curve) == curves.end()) curves.push_back(curve);
  }
}

}  // namespace

void set_cells(const TrainingState& state, std::span<const std::uint32_t> cells, Batch& batch) {
  const ScaledData& data = state.data;
  batch.cells = cells;
  batch.n_groups = groups_for(static_cast<std::int64_t>(cells.size()));
  std::fill(batch.stored.begin(), batch.stored.end(),
            state.stored.row(static_cast<std::size_t>(data.n_cells)));
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const std::uint32_t row = cells[cell];
    batch.stored[cell] = state.stored.row(row);
    batch.cell_ids[cell] = data.cell_ids[row];
    batch.biozero_shrink[cell] = data.biozero_shrink[row];
    float basis[kBiozeroTerms];
    chebyshev_basis(data.biozero_position[row], basis);
    const std::size_t group = cell / kGroup;
    for (int k = 0; k < kBiozeroTerms; ++k) {
      batch.biozero_basis[(group * kBiozeroTerms + k) * kGroup + cell % kGroup] = basis[k];
    }
  }
  set_curves(data, batch);
}

}  // namespace maskclass::cpu
