#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/denoise.h"
#include "engine/train/train.h"

/// What a Denoiser holds; for engine/denoise*.cpp alone.
namespace maskclass {

/// One network of the ensemble.
struct EnsembleMember {
  Parameters parameters;
  std::vector<EpochLoss> history;
  std::optional<calibrated::Calibration> calibration;
  std::optional<calibrated::QuantileTable> quantiles;  ///< Once asked for.

  /// Of a calibrated network.
  const calibrated::QuantileTable& quantile_table(int n_threads) {
    if (!quantiles) quantiles = calibration->zeros.quantile_table(n_threads);
    return *quantiles;
  }
};

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
  std::unique_ptr<DeviceResults> results;  ///< Null on the processor.
  std::vector<EnsembleMember> members;     ///< [options.ensemble] once trained.

  std::int64_t n_cells() const { return input.counts.n_cells; }
  std::int64_t n_genes() const { return input.counts.n_genes; }
  NetworkShape shape() const {
    return {static_cast<std::int32_t>(n_genes()), options.hidden, options.latent};
  }
  ScaledData scaled_data() const;
  /// Whether it trains on a backend of its own, without some entries.
  bool sets_entries_aside() const { return options.calibrated || options.early_stop; }
  /// Backends that live at once.
  int n_backends() const { return sets_entries_aside() || options.ensemble > 1 ? 2 : 1; }
  DeviceBackend make_backend(const ScaledData& data, const TrainingOptions& training,
                             const DeviceOptions& on, const ResultData* results,
                             const Callbacks& callbacks) const;
  std::unique_ptr<Backend> further_backend(const ScaledData& data,
                                           const TrainingOptions& training) const;
  EnsembleMember train_member(std::int32_t number, const Callbacks& callbacks);
  void train_on(Backend& on, const TrainingOptions& training, EnsembleMember& member,
                const AfterEpoch& after_epoch, const Callbacks& callbacks) const;
  void train_without_held_out(const TrainingOptions& training, EnsembleMember& member,
                              const Callbacks& callbacks);
  ResultData result_data() const;
  void require_cells(std::int64_t first_cell, std::int64_t n_cells) const;
  /// What the network in the backend gives: `member` is its, or null before training.
  void compute_member(const EnsembleMember* member, std::int64_t first_cell, std::int64_t n_cells,
                      const DenoisedBlock& out, std::vector<float>* network);
  void compute_members(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out);
  void finish_log2(const calibrated::Calibration* calibration, std::int64_t first_cell,
                   std::int64_t n_cells, float* log2) const;
  void to_counts(const calibrated::Calibration* calibration, std::int64_t first_cell,
                 std::int64_t n_cells, const float* log2, float* counts) const;
  void biozero_block(const calibrated::Calibration* calibration, std::int64_t first_cell,
                     std::int64_t n_cells, const float* network, float* out) const;
};

}  // namespace maskclass
