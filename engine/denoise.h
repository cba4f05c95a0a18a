#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/biozero/calibrated/calibrate.h"
#include "engine/biozero/mask_probability.h"
#include "engine/denoised_block.h"
#include "engine/device/device.h"
#include "engine/matrix/csr.h"
#include "engine/preprocess/preprocess.h"
#include "engine/progress.h"
#include "kernels/backend.h"

/// The public C++ interface: counts in memory in, denoised values in blocks out. No files, no
/// global state; docs/embedding.md shows a program that uses it.
namespace maskclass {

/// What happens to observed non-zeros (paper, Section 2.9).
enum class Observed {
  keep,       ///< They keep their value, as in the paper.
  replace,    ///< The network's value everywhere.
  posterior,  ///< Brought to the library sizes that the calibrated variant restores.
  /// Every value, at zeros too, becomes what a second measurement of the cell would show on average
  /// (calibrated variant): the one mode for data whose molecules are few.
  replicate,
};

/// Everything that decides the result. Two runs with equal options and counts give equal bytes.
struct DenoiseOptions {
  PreprocessOptions preprocess;
  BiozeroEstimator biozero = BiozeroEstimator::moments;
  double alpha = 0.3;  ///< How much the sparsest cells' biozero probability shrinks (Section 2.6).
  std::int32_t hidden = 64;
  std::int32_t latent = 32;
  /// Its biozero_weight is gamma: 1 is the paper's "balanced", 0 its "best". Its seed is the seed.
  TrainingOptions training;
  std::int32_t n_epochs = 300;
  /// Ends the training where the network gets no better at entries that are set aside for it, and
  /// takes the best network (engine/train/early_stop.h).
  bool early_stop = false;
  /// Zeros get their posterior mean under a model of counts and dropout that is fitted to clusters
  /// of the trained latent, instead of the network's output. Training then sets some entries aside.
  bool calibrated = false;
  Observed observed = Observed::keep;
  /// Networks, trained one after another with training.seed, training.seed + 1, ...; values are the
  /// means of theirs, the latent is the first one's.
  std::int32_t ensemble = 1;
  bool clamp = true;  ///< Negative log2 values become 0.
  // These two do not change the result beyond rounding, and on one device not a bit.
  DeviceOptions device;
  int n_threads = 0;  ///< 0: default_thread_count().
};

/// One job: a data set, its biozero model and the network (paper, Algorithm 1).
///
///     Denoiser denoiser(counts, options);
///     denoiser.train();
///     denoiser.compute(0, denoiser.n_cells(), {.log2 = values.data()});
class Denoiser {
 public:
  /// Preprocesses and fits the biozero model. `counts` (cells x genes) are raw counts; what is
  /// needed later is copied, so they may go once this returns. `cell_names` ([n_cells] or empty)
  /// serve messages. Throws Error: `usage` for options, `data` for counts that cannot be worked
  /// on, `device`, `cancelled` by the progress callback.
  Denoiser(const CsrView& counts, const DenoiseOptions& options,
           std::span<const std::string> cell_names = {}, const Callbacks& callbacks = {});
  /// The same from counts on the GPU that the options name (kernels/cuda/preprocess/device_csr.h;
  /// first_nonzero must be 0). They are copied to host memory once, since genes are chosen and the
  /// dropout model is fitted there, in float64; this waits for the stream of
  /// options.device.context.
  Denoiser(const cuda::DeviceCsr& counts, const DenoiseOptions& options,
           std::span<const std::string> cell_names = {}, const Callbacks& callbacks = {});
  Denoiser(Denoiser&&) noexcept;
  Denoiser& operator=(Denoiser&&) noexcept;
  ~Denoiser();

  /// Trains from the initial weights. Throws Error{cancelled} by the progress callback; training
  /// may then start again.
  void train(const Callbacks& callbacks = {});

  /// Cells and genes that were kept, with their counts and scaling.
  const Preprocessed& input() const;
  std::int64_t n_cells() const { return input().counts.n_cells; }
  std::int64_t n_genes() const { return input().counts.n_genes; }
  std::int32_t latent_width() const;
  /// What the network is trained and applied on.
  const ComputeDevice& device() const;
  /// What the calibrated variant found with a network of the ensemble, once trained; else null.
  const calibrated::Calibration* calibration(std::int32_t member = 0) const;
  /// Mean loss of each epoch of the (first) network.
  std::span<const EpochLoss> history() const;
  /// Of the (first) network.
  Parameters parameters() const;

  /// The results for cells [first_cell, first_cell + n_cells) of those kept. Throws Error{usage}
  /// where the range is not within them, and where a spread is asked for of one network that is not
  /// calibrated.
  void compute(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out);

  /// The same to memory of the GPU that the job is computed on, in the order of the stream of
  /// options.device.context: it waits for the stream between blocks of cells, and what was launched
  /// last may still run when it returns. Throws Error{usage} where the job is not on a GPU, for the
  /// calibrated variant and its estimator's biozero probabilities, for those of several batches,
  /// for ensembles and spreads.
  void compute_on_device(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out);

  /// How the value at each zero of a cell is distributed by one network of the calibrated variant:
  /// what sd and quantiles come from. out [n_genes], of which entries with a count are left as they
  /// are. Throws Error{usage} where that variant was not trained, or there is no such cell or
  /// member.
  void zero_distributions(std::int64_t cell, std::int32_t member,
                          std::span<calibrated::ZeroDistribution> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws Error{usage} for options out of range, with the names of the command line's options.
void check_options(const DenoiseOptions& options);
/// Throws Error{usage} where the options leave nothing that the spread of a value could be.
void check_spread(const DenoiseOptions& options);

}  // namespace maskclass
