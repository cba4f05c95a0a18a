#include "engine/denoise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "engine/biozero/mask_probability.h"
#include "engine/counted.h"
#include "engine/error.h"
#include "engine/model/initial_weights.h"
#include "engine/preprocess/normalise.h"
#include "engine/threads.h"
#include "engine/train/early_stop.h"
#include "engine/train/train.h"
#include "kernels/math/result_values.h"

namespace maskclass {

namespace {

/// Entries that the calibrated variant and --early-stop set aside while they train.
constexpr double kHeldOutShare = 0.05;

}  // namespace

/// Lives at one address, since the backend refers to the arrays.
struct Denoiser::State {
  DenoiseOptions options;
  int n_threads = 1;
  Preprocessed input;
  std::vector<double> library_factors;  ///< l_i = L_i / median(L)
  std::vector<std::uint32_t> cell_ids;
  MaskProbability biozero;
  std::unique_ptr<Backend> backend;
  ComputeDevice device;
  std::optional<calibrated::Calibration> calibration;
  std::unique_ptr<DeviceResults> results;  ///< Null on the processor.
  std::vector<EpochLoss> history;

  std::int64_t n_cells() const { return input.counts.n_cells; }
  std::int64_t n_genes() const { return input.counts.n_genes; }
  NetworkShape shape() const {
    return {static_cast<std::int32_t>(n_genes()), options.hidden, options.latent};
  }
  ScaledData scaled_data() const;
  /// Whether it trains on a backend of its own, without some entries.
  bool sets_entries_aside() const { return options.calibrated || options.early_stop; }
  DeviceBackend make_backend(const ScaledData& data, const DeviceOptions& on, int n_backends,
                             const ResultData* results, const Callbacks& callbacks) const;
  void train_on(Backend& on, const AfterEpoch& after_epoch, const Callbacks& callbacks);
  void train_without_held_out(const Callbacks& callbacks);
  ResultData result_data() const;
  void require_cells(std::int64_t first_cell, std::int64_t n_cells) const;
  void finish_log2(std::int64_t first_cell, std::int64_t n_cells, float* log2) const;
  void to_counts(std::int64_t first_cell, std::int64_t n_cells, const float* log2,
                 float* counts) const;
  void biozero_block(std::int64_t first_cell, std::int64_t n_cells, const float* network,
                     float* out) const;
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
  data.biozero_coefficients = biozero.table.coefficients;
  data.biozero_position = biozero.table.position;
  data.biozero_shrink = biozero.table.shrink;
  return data;
}

DeviceBackend Denoiser::State::make_backend(const ScaledData& data, const DeviceOptions& on,
                                            int n_backends, const ResultData* results,
                                            const Callbacks& callbacks) const {
  return maskclass::make_backend(data, shape(), options.training, on, n_threads, n_backends,
                                 callbacks, results);
}

void Denoiser::State::train_on(Backend& on, const AfterEpoch& after_epoch,
                               const Callbacks& callbacks) {
  on.set_parameters(initial_weights(shape(), options.training.seed));
  history =
      maskclass::train(on, cell_ids, options.n_epochs, options.training, callbacks, after_epoch);
}

/// Trains without the entries that are set aside, then gives the backend that network.
void Denoiser::State::train_without_held_out(const Callbacks& callbacks) {
  const CsrView counts = input.counts.view();
  const HeldOut held_out = hold_out(kHeldOutShare, options.training.seed, cell_ids, n_genes());
  const Thinned thinned = without(held_out, counts, input.scaled);
  ScaledData data = scaled_data();
  data.indptr = thinned.indptr;
  data.indices = thinned.indices;
  data.scaled = thinned.scaled;
  const std::unique_ptr<Backend> on_thinned =
      make_backend(data, same_device(options.device, device), 1, nullptr, {}).backend;
  if (options.early_stop) {
    EarlyStop stop(*on_thinned, thinned, input);
    train_on(
        *on_thinned, [&](std::int32_t done) { return stop.after_epoch(done); }, callbacks);
    const std::int32_t best = stop.restore_best();
    log_line(callbacks, "early stop: " + counted(std::ssize(history), "epoch") + " trained, " +
                            (best > 0 ? "the network after epoch " + std::to_string(best) +
                                            " taken (mean squared error at entries set aside " +
                                            std::to_string(stop.best_error()) + ")"
                                      : "too few for a check"));
  } else {
    train_on(*on_thinned, {}, callbacks);
  }
  backend->set_parameters(on_thinned->parameters());
  if (!options.calibrated) return;
  calibration = calibrated::calibrate(
      {counts, input.library_sizes, held_out, thinned, *on_thinned, *backend, options.latent},
      {options.training.seed, n_threads}, callbacks);
}

ResultData Denoiser::State::result_data() const {
  ResultData data;
  data.counts = input.counts.view();
  data.size_factors = input.size_factors;
  data.library_factors = library_factors;
  data.dropout = biozero.dropout.get();
  data.clamp = options.clamp;
  data.keep_observed = options.observed == Observed::keep;
  return data;
}

void Denoiser::State::require_cells(std::int64_t first_cell, std::int64_t n) const {
  if (first_cell >= 0 && n >= 0 && n <= n_cells() - first_cell) return;
  throw usage_error("compute: the cells asked for are not among the " + std::to_string(n_cells()) +
                    " that were kept");
}

/// Values at zeros, clamps, and puts observed non-zeros back (paper, Algorithm 1, line 13).
void Denoiser::State::finish_log2(std::int64_t first_cell, std::int64_t n_cells,
                                  float* log2) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    float* values = log2 + row * n_genes();
    const std::int64_t cell = first_cell + row;
    const auto genes = counts.row_indices(cell);
    const auto observed = counts.row_values(cell);
    if (calibration) calibration->zeros.fill(cell, genes, values);
    if (options.clamp) {
      for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
        values[gene] = clamped_log2(values[gene]);
      }
    }
    if (options.observed == Observed::replace) continue;
    const double size_factor = options.observed == Observed::posterior
                                   ? 1 / calibration->zeros.estimate().library_factor[cell]
                                   : input.size_factors[cell];
    for (std::size_t k = 0; k < genes.size(); ++k) {
      values[genes[k]] = log_normalised(observed[k], size_factor);
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
    const auto genes = observed.row_indices(cell);
    const auto to_count = [&](std::int64_t at, double factor) {
      counts[at] = count_of_log2(log2[at], factor);
    };
    const double at_zeros =
        calibration ? calibration->zeros.estimate().library_factor[cell] : library_factors[cell];
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      to_count(row * n_genes() + gene, at_zeros);
    }
    const auto values = observed.row_values(cell);
    for (std::size_t k = 0; k < genes.size(); ++k) {
      const std::int64_t at = row * n_genes() + genes[k];
      if (options.observed == Observed::replace) {
        to_count(at, library_factors[cell]);
      } else {
        counts[at] = values[k];
      }
    }
  }
}

/// `network` is its output for these cells, or null where it is not needed.
void Denoiser::State::biozero_block(std::int64_t first_cell, std::int64_t n_cells,
                                    const float* network, float* out) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    const auto observed = counts.row_indices(cell);
    float* values = out + row * n_genes();
    if (calibration) {
      calibration->zeros.probabilities(
          cell, observed, network != nullptr ? network + row * n_genes() : nullptr, values);
      continue;
    }
    const double log_factor = std::log(biozero.library_factor[cell]);
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      values[gene] = static_cast<float>(biozero.posterior(gene, log_factor));
    }
    for (const std::int32_t gene : observed) values[gene] = 0;
  }
}

namespace {

/// What a cell is filled in from are other cells and other genes.
void check_shape(std::int64_t n_cells, std::int64_t n_genes) {
  if (n_cells < 2) {
    throw data_error("there is one cell only, and nothing to learn from: give at least two cells");
  }
  if (n_genes < 2) {
    throw data_error(
        "there is one gene only, and nothing to learn from: keep more genes with a lower "
        "--min-cells or a larger --n-top-genes");
  }
}

}  // namespace

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
  const DeviceOptions on = settled_device(options.device, callbacks);
  state.input = preprocess(counts, options.preprocess, cell_names, state.n_threads, callbacks,
                           gene_scaler(on));
  check_shape(state.n_cells(), state.n_genes());
  for (const double size : state.input.library_sizes) {
    state.library_factors.push_back(size / state.input.median_library_size);
  }
  state.cell_ids.assign(state.input.cells.begin(), state.input.cells.end());

  state.biozero = fit_mask_probability(
      {state.input.counts.view(), state.input.library_sizes, state.cell_ids}, options.biozero,
      {options.alpha, options.training.seed, state.n_threads}, callbacks);
  // The calibrated variant puts its own values at zeros, on the processor.
  const ResultData results = state.result_data();
  const int n_backends = state.sets_entries_aside() ? 2 : 1;
  DeviceBackend made = state.make_backend(state.scaled_data(), on, n_backends,
                                          options.calibrated ? nullptr : &results, callbacks);
  state.backend = std::move(made.backend);
  state.device = std::move(made.device);
  state.results = std::move(made.results);
  state.backend->set_parameters(initial_weights(state.shape(), options.training.seed));
}

Denoiser::Denoiser(const cuda::DeviceCsr& counts, const DenoiseOptions& options,
                   std::span<const std::string> cell_names, const Callbacks& callbacks)
    : Denoiser(copy_to_host(counts, options.device).view(), options, cell_names, callbacks) {}

Denoiser::Denoiser(Denoiser&&) noexcept = default;
Denoiser& Denoiser::operator=(Denoiser&&) noexcept = default;
Denoiser::~Denoiser() = default;

void Denoiser::train(const Callbacks& callbacks) {
  State& state = *state_;
  state.history.clear();
  state.calibration.reset();
  if (state.sets_entries_aside()) {
    state.train_without_held_out(callbacks);
  } else {
    state.train_on(*state.backend, {}, callbacks);
  }
}

const Preprocessed& Denoiser::input() const {
  return state_->input;
}
std::int32_t Denoiser::latent_width() const {
  return state_->options.latent;
}
const calibrated::Calibration* Denoiser::calibration() const {
  return state_->calibration ? &*state_->calibration : nullptr;
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
  state.require_cells(first_cell, n_cells);
  if (state.results) {
    DenoisedBlock on_gpu = out;
    if (out.biozero != nullptr && !state.biozero.dropout) {
      state.biozero_block(first_cell, n_cells, nullptr, out.biozero);
      on_gpu.biozero = nullptr;
    }
    state.results->compute(first_cell, n_cells, on_gpu);
    return;
  }
  if (state.options.calibrated && !state.calibration) {
    throw usage_error("compute: the calibrated variant has values only once train() has run");
  }
  const bool biozero_needs_network =
      out.biozero != nullptr && state.calibration && state.calibration->zeros.network_weight() > 0;
  std::vector<float> scratch;
  float* log2 = out.log2;
  if (log2 == nullptr && (out.counts != nullptr || biozero_needs_network)) {
    scratch.resize(n_cells * state.n_genes());
    log2 = scratch.data();
  }
  if (log2 != nullptr || out.latent != nullptr) {
    state.backend->reconstruct(first_cell, n_cells, log2, out.latent);
  }
  if (out.biozero != nullptr) state.biozero_block(first_cell, n_cells, log2, out.biozero);
  if (log2 != nullptr) {
    state.finish_log2(first_cell, n_cells, log2);
    if (out.counts != nullptr) state.to_counts(first_cell, n_cells, log2, out.counts);
  }
}

void Denoiser::compute_on_device(std::int64_t first_cell, std::int64_t n_cells,
                                 const DenoisedBlock& out) {
  State& state = *state_;
  state.require_cells(first_cell, n_cells);
  if (!state.results) {
    throw usage_error("compute_on_device: results of this job are finished on the processor");
  }
  if (out.biozero != nullptr && !state.biozero.dropout) {
    throw usage_error(
        "compute_on_device: the probabilities of the calibrated estimator are computed on the "
        "processor");
  }
  state.results->compute_on_device(first_cell, n_cells, out);
}

}  // namespace maskclass
