#include "engine/denoise.h"

#include <limits>
#include <utility>

#include "engine/biozero/mask_probability.h"
#include "engine/denoise_state.h"
#include "engine/error.h"
#include "engine/model/initial_weights.h"
#include "engine/preprocess/filter.h"
#include "engine/threads.h"

namespace maskclass {

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
  data.biozero_curve = biozero.table.curve;
  data.biozero_position = biozero.table.position;
  data.biozero_shrink = biozero.table.shrink;
  return data;
}

DeviceBackend Denoiser::State::make_backend(const ScaledData& data, const TrainingOptions& training,
                                            const DeviceOptions& on, const ResultData* results,
                                            const Callbacks& callbacks) const {
  return maskclass::make_backend(data, shape(), training, on, n_threads, n_backends(), callbacks,
                                 results);
}

std::unique_ptr<Backend> Denoiser::State::further_backend(const ScaledData& data,
                                                          const TrainingOptions& training) const {
  return make_backend(data, training, same_device(options.device, device), nullptr, {}).backend;
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

  const std::vector<std::int32_t> batch_of =
      batches_of_cells(options.preprocess.batch_of, state.input.cells);
  state.biozero = fit_mask_probability(
      {state.input.counts.view(), state.input.library_sizes, state.cell_ids, batch_of,
       options.preprocess.batch_names},
      options.biozero, {options.alpha, options.training.seed, state.n_threads}, callbacks);
  // The calibrated variant puts its own values at zeros, on the processor.
  const ResultData results = state.result_data();
  DeviceBackend made = state.make_backend(state.scaled_data(), options.training, on,
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

const Preprocessed& Denoiser::input() const {
  return state_->input;
}
std::int32_t Denoiser::latent_width() const {
  return state_->options.latent;
}
const calibrated::Calibration* Denoiser::calibration(std::int32_t member) const {
  if (member < 0 || member >= std::ssize(state_->members)) return nullptr;
  const auto& calibration = state_->members[member].calibration;
  return calibration ? &*calibration : nullptr;
}
const ComputeDevice& Denoiser::device() const {
  return state_->device;
}
std::span<const EpochLoss> Denoiser::history() const {
  if (state_->members.empty()) return {};
  return state_->members[0].history;
}
Parameters Denoiser::parameters() const {
  return state_->backend->parameters();
}

}  // namespace maskclass
