#include "engine/denoise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/biozero/moments.h"
#include "engine/biozero/posterior.h"
#include "engine/biozero/table.h"
#include "engine/error.h"
#include "engine/model/initial_weights.h"
#include "engine/preprocess/normalise.h"
#include "engine/threads.h"
#include "engine/train/train.h"
#include "kernels/math/result_values.h"

namespace maskclass {

/// Lives at one address, since the backend refers to the arrays.
struct Denoiser::State {
  DenoiseOptions options;
  int n_threads = 1;
  Preprocessed input;
  std::vector<double> library_factors;  ///< l_i = L_i / median(L)
  std::vector<std::uint32_t> cell_ids;
  DropoutModel dropout;
  BiozeroTable biozero;
  std::unique_ptr<Backend> backend;
  ComputeDevice device;
  std::vector<EpochLoss> history;

  std::int64_t n_cells() const { return input.counts.n_cells; }
  std::int64_t n_genes() const { return input.counts.n_genes; }
  NetworkShape shape() const {
    return {static_cast<std::int32_t>(n_genes()), options.hidden, options.latent};
  }
  ScaledData scaled_data() const;
  void finish_log2(std::int64_t first_cell, std::int64_t n_cells, float* log2) const;
  void to_counts(std::int64_t first_cell, std::int64_t n_cells, const float* log2,
                 float* counts) const;
  void biozero_block(std::int64_t first_cell, std::int64_t n_cells, float* out) const;
};

ScaledData Denoiser::State::scaled_data() const {
  ScaledData data;
  data.n_cells = n_cells();
  data.n_genes = static_cast<std::int32_t>(n_genes());
  data.indptr = input.counts.indptr;
  data.indices = input.counts.indices;
  data.scaled = input.scaled;
  data.cell_ids = cell_ids;
  data.genes = input.scaling;
  data.biozero_coefficients = biozero.coefficients;
  data.biozero_position = biozero.position;
  data.biozero_shrink = biozero.shrink;
  return data;
}

/// Clamps, and puts observed non-zeros back (paper, Algorithm 1, line 13).
void Denoiser::State::finish_log2(std::int64_t first_cell, std::int64_t n_cells,
                                  float* log2) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    float* values = log2 + row * n_genes();
    if (options.clamp) {
      for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
        values[gene] = clamped_log2(values[gene]);
      }
    }
    if (options.observed == Observed::replace) continue;
    const std::int64_t cell = first_cell + row;
    const auto genes = counts.row_indices(cell);
    const auto observed = counts.row_values(cell);
    for (std::size_t k = 0; k < genes.size(); ++k) {
      values[genes[k]] = log_normalised(observed[k], input.size_factors[cell]);
    }
  }
}

/// Observed counts that are kept are copied, so that no rounding touches them.
void Denoiser::State::to_counts(std::int64_t first_cell, std::int64_t n_cells, const float* log2,
                                float* counts) const {
  const CsrView observed = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    const double factor = library_factors[cell];
    for (std::int64_t at = row * n_genes(); at < (row + 1) * n_genes(); ++at) {
      counts[at] = count_of_log2(log2[at], factor);
    }
    if (options.observed == Observed::replace) continue;
    const auto genes = observed.row_indices(cell);
    const auto values = observed.row_values(cell);
    for (std::size_t k = 0; k < genes.size(); ++k) counts[row * n_genes() + genes[k]] = values[k];
  }
}

void Denoiser::State::biozero_block(std::int64_t first_cell, std::int64_t n_cells,
                                    float* out) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    float* values = out + row * n_genes();
    const double log_factor = std::log(library_factors[cell]);
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      values[gene] = static_cast<float>(biozero_probability(dropout, gene, log_factor));
    }
    for (const std::int32_t gene : counts.row_indices(cell)) values[gene] = 0;
  }
}

Denoiser::Denoiser(const CsrView& counts, const DenoiseOptions& options,
                   std::span<const std::string> cell_names, const Callbacks& callbacks)
    : state_(std::make_unique<State>()) {
  check_options(options);
  if (counts.n_cells > std::numeric_limits<std::uint32_t>::max()) {
    throw data_error("more than 2^32 cells: the random numbers cannot tell them apart");
  }
  State& state = *state_;
  state.options = options;
  state.n_threads = options.n_threads > 0 ? options.n_threads : default_thread_count();
  check_csr(counts, state.n_threads);
  state.input = preprocess(counts, options.preprocess, cell_names, state.n_threads, callbacks);
  for (const double size : state.input.library_sizes) {
    state.library_factors.push_back(size / state.input.median_library_size);
  }
  state.cell_ids.assign(state.input.cells.begin(), state.input.cells.end());

  const CsrView kept = state.input.counts.view();
  state.dropout = fit_moments(kept, state.library_factors, state.n_threads);
  state.biozero = tabulate(state.dropout, state.library_factors,
                           sparsity_shrinkage(kept, options.alpha), state.n_threads);
  constexpr float kNotable = 1e-3f;
  if (state.biozero.largest_error > kNotable) {
    log_line(callbacks, "a steep dropout curve: the biozero probabilities that training uses are " +
                            std::string("off by up to ") +
                            std::to_string(state.biozero.largest_error));
  }
  DeviceBackend made = make_backend(state.scaled_data(), state.shape(), options.training,
                                    options.device, state.n_threads, callbacks);
  state.backend = std::move(made.backend);
  state.device = std::move(made.device);
  state.backend->set_parameters(initial_weights(state.shape(), options.training.seed));
}

Denoiser::Denoiser(Denoiser&&) noexcept = default;
Denoiser& Denoiser::operator=(Denoiser&&) noexcept = default;
Denoiser::~Denoiser() = default;

void Denoiser::train(const Callbacks& callbacks) {
  State& state = *state_;
  state.history.clear();
  state.backend->set_parameters(initial_weights(state.shape(), state.options.training.seed));
  state.history = maskclass::train(*state.backend, state.cell_ids, state.options.n_epochs,
                                   state.options.training, callbacks);
}

const Preprocessed& Denoiser::input() const {
  return state_->input;
}
std::int32_t Denoiser::latent_width() const {
  return state_->options.latent;
}
const DropoutModel& Denoiser::dropout_model() const {
  return state_->dropout;
}
const ComputeDevice& Denoiser::device() const {
  return state_->device;
}
std::span<const EpochLoss> Denoiser::history() const {
  return state_->history;
}
Parameters Denoiser::parameters() const {
  return state_->backend->parameters();
}

void Denoiser::compute(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out) {
  State& state = *state_;
  if (first_cell < 0 || n_cells < 0 || n_cells > state.n_cells() - first_cell) {
    throw usage_error("compute: the cells asked for are not among the " +
                      std::to_string(state.n_cells()) + " that were kept");
  }
  std::vector<float> scratch;
  float* log2 = out.log2;
  if (log2 == nullptr && out.counts != nullptr) {
    scratch.resize(n_cells * state.n_genes());
    log2 = scratch.data();
  }
  if (log2 != nullptr || out.latent != nullptr) {
    state.backend->reconstruct(first_cell, n_cells, log2, out.latent);
  }
  if (log2 != nullptr) {
    state.finish_log2(first_cell, n_cells, log2);
    if (out.counts != nullptr) state.to_counts(first_cell, n_cells, log2, out.counts);
  }
  if (out.biozero != nullptr) state.biozero_block(first_cell, n_cells, out.biozero);
}

}  // namespace maskclass
