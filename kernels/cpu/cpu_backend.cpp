#include "kernels/cpu/cpu_backend.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "kernels/cpu/barrier.h"
#include "kernels/cpu/denormals.h"
#include "kernels/cpu/layout_conversion.h"
#include "kernels/cpu/phases.h"
#include "kernels/cpu/slice_shares.h"
#include "kernels/cpu/team_size.h"

namespace maskclass::cpu {
namespace {

/// What one thread of a team does: a run of slices, and every n-th group of cells or block.
struct Share {
  Share(const SliceShares& shares, int thread_index)
      : thread(thread_index),
        n_threads(shares.n_threads()),
        first_slice(shares.first(thread)),
        end_slice(shares.end(thread)) {}

  int thread;
  int n_threads;
  std::int32_t first_slice;
  std::int32_t end_slice;
};

/// Adds the time that it lives to a sum, in seconds.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  ~Stopwatch() {
    sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& sum_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The denominators of the loss depend on masks and probabilities alone, so they are known before
/// the output is (paper, Section 2.5).
LossScale loss_scale(const TrainingState& state) {
  double masked_zeros = 0;
  double masked_nonzeros = 0;
  double biozero = 0;
  for (const SliceSums& sums : state.sums) {
    masked_zeros += static_cast<double>(sums.masked_zeros);
    masked_nonzeros += static_cast<double>(sums.masked_nonzeros);
    biozero += sums.biozero;
  }
  const double masked = static_cast<double>(state.options.zero_weight) * masked_zeros +
                        static_cast<double>(state.options.nonzero_weight) * masked_nonzeros;
  return {masked > 0 ? 1 / masked : 0, biozero > 0 ? 1 / biozero : 0};
}

void add_loss(const TrainingState& state, const LossScale& scale, EpochLoss& loss) {
  double masked = 0;
  double biozero = 0;
  for (const SliceSums& sums : state.sums) {
    masked += sums.masked_loss;
    biozero += sums.biozero_loss;
  }
  loss.masked += masked * scale.masked;
  loss.biozero += biozero * scale.biozero;
}

/// Calls the caller's callback now and then; the clock decides when, never what is computed.
class Reporter {
 public:
  explicit Reporter(const BatchCallback& callback) : callback_(callback) {}

  /// True to go on. An exception of the callback is kept for rethrow().
  bool report(std::int64_t batches_done) {
    const auto now = std::chrono::steady_clock::now();
    if (!callback_ || now - last_ < std::chrono::milliseconds(50)) return true;
    last_ = now;
    try {
      return callback_(batches_done);
    } catch (...) {
      exception_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  const BatchCallback& callback_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::exception_ptr exception_;
};

/// An epoch under way.
struct Epoch {
  std::size_t n_batches() const { return (order.size() + batch_size - 1) / batch_size; }
  /// Those of batch b; none after the last.
  std::span<const std::uint32_t> cells(std::size_t b) const {
    const std::size_t first = std::min(b * batch_size, order.size());
    return order.subspan(first, std::min(batch_size, order.size() - first));
  }

  std::uint32_t index;
  std::span<const std::uint32_t> order;
  std::size_t batch_size;
  Reporter reporter;
  // Thread 0 writes these before a batch's last barrier; all may read them after.
  std::size_t n_done = 0;  ///< batches
  EpochLoss loss{};        ///< sum over them
  bool go_on = true;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(const ScaledData& data, const NetworkShape& shape, const TrainingOptions& options,
             int n_threads, int n_processors)
      : data_(data),
        state_(data_, shape, options),
        phases_(phases()),
        n_threads_(std::clamp(n_threads, 1, state_.slices.count)),
        team_size_(n_threads_),
        n_processors_(n_processors > 0 ? n_processors : omp_get_num_procs()),
        shares_(state_.slices.count, n_threads_),
        slice_seconds_(n_threads_) {
    for (int thread = 0; thread < n_threads_; ++thread) {
      batches_.emplace_back(state_.most_groups, state_.network);
    }
  }

  void set_parameters(const Parameters& parameters) override {
    if (parameters.shape != state_.network.shape) {
      throw std::invalid_argument("parameters of another network");
    }
    load_parameters(parameters, state_.network);
    state_.sum_weights();
    step_ = 0;
  }

  Parameters parameters() const override {
    return store_parameters(state_.network, &Tensor::value);
  }

  OptimizerState optimizer_state() const override {
    return {store_parameters(state_.network, &Tensor::first_moment),
            store_parameters(state_.network, &Tensor::second_moment), step_};
  }

  EpochLoss train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                        const BatchCallback& callback) override;

  void reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                   float* latent_out) override;

 private:
  /// Runs work(share, barrier) on a team of threads, of which the caller is the first. The team may
  /// come out smaller than asked for; what is computed does not depend on its size.
  template <class Work>
  void run_team(int n_threads, const Work& work) {
    std::optional<Barrier> barrier;
#pragma omp parallel num_threads(n_threads)
    {
#pragma omp single
      {
        barrier.emplace(omp_get_num_threads(), n_processors_);
        if (shares_.n_threads() != omp_get_num_threads()) {
          shares_ = SliceShares(state_.slices.count, omp_get_num_threads());
        }
      }
      const FlushDenormals flush_denormals;
      work(Share(shares_, omp_get_thread_num()), *barrier);
    }
  }

  void train_batch(const Share& share, Batch& batch, Barrier& barrier, double& slice_seconds);
  void update_weights(const Share& share, const Batch& batch, double& slice_seconds);
  void train_run(Epoch& epoch, std::size_t end);
  void learn_from_run(std::int64_t n_batches, double seconds);
  void copy_latent(const Batch& batch, float* latent_out) const;

  ScaledData data_;
  TrainingState state_;
  const Phases& phases_;
  const int n_threads_;
  TeamSize team_size_;  ///< while training
  const int n_processors_;
  SliceShares shares_;                 ///< of the team at work
  std::vector<double> slice_seconds_;  ///< of each thread on its slices, since they were shared out
  double seconds_ = 0;                 ///< of all, as long as that
  std::int64_t n_batches_timed_ = 0;   ///< likewise
  std::vector<Batch> batches_;         ///< one a thread
  std::int64_t step_ = 0;
};

/// Phases 1 to 4, with barriers between them. The one after phase 4 is left to the caller.
void CpuBackend::train_batch(const Share& share, Batch& batch, Barrier& barrier,
                             double& slice_seconds) {
  {
    const Stopwatch stopwatch(slice_seconds);
    phases_.seek_gene(state_, batch, state_.slices.begin(share.first_slice));
    for (std::int32_t slice = share.first_slice; slice < share.end_slice; ++slice) {
      phases_.gather_slice(state_, batch, slice);
      phases_.corrupt_slice(state_, batch, slice);
      phases_.encode_slice(state_, batch, slice);
    }
  }
  barrier.wait();
  for (std::int64_t group = share.thread; group < batch.n_groups; group += share.n_threads) {
    phases_.trunk_forward(state_, batch, group);
  }
  batch.loss_scale = loss_scale(state_);
  barrier.wait();
  {
    const Stopwatch stopwatch(slice_seconds);
    for (std::int32_t slice = share.first_slice; slice < share.end_slice; ++slice) {
      phases_.decode_slice(state_, batch, slice);
    }
  }
  barrier.wait();
  for (std::int64_t group = share.thread; group < batch.n_groups; group += share.n_threads) {
    phases_.trunk_backward(state_, batch, group);
  }
}

/// Phase 5. Nobody waits for the others after it: the next batch's phase 1 needs a thread's own
/// slices alone.
void CpuBackend::update_weights(const Share& share, const Batch& batch, double& slice_seconds) {
  {
    const Stopwatch stopwatch(slice_seconds);
    for (std::int32_t slice = share.first_slice; slice < share.end_slice; ++slice) {
      phases_.update_encoder(state_, batch, slice);
    }
  }
  for (int block = share.thread; block < 3; block += share.n_threads) {
    phases_.update_trunk(state_, batch, block);
  }
}

/// Shares the slices out again by how fast the threads were, and settles how many of them go on:
/// from a hundred batches at least, since in a few a thread may have lost its processor for a
/// moment.
void CpuBackend::learn_from_run(std::int64_t n_batches, double seconds) {
  constexpr std::int64_t kBatches = 100;
  n_batches_timed_ += n_batches;
  seconds_ += seconds;
  if (n_batches_timed_ < kBatches) return;
  const auto of_team = std::span(slice_seconds_).first(shares_.n_threads());
  const double worked = std::accumulate(of_team.begin(), of_team.end(), 0.0);
  team_size_.record(seconds_ / static_cast<double>(n_batches_timed_),
                    worked / (seconds_ * shares_.n_threads()));
  shares_.rebalance(of_team);
  std::fill(slice_seconds_.begin(), slice_seconds_.end(), 0.0);
  seconds_ = 0;
  n_batches_timed_ = 0;
}

/// The epoch's batches from the first that is not done up to `end`, by one team.
void CpuBackend::train_run(Epoch& epoch, std::size_t end) {
  const std::size_t first = epoch.n_done;
  run_team(team_size_.size(), [&](const Share& share, Barrier& barrier) {
    Batch& batch = batches_[share.thread];
    batch.first_slice = share.first_slice;
    batch.epoch = epoch.index;
    batch.sparse_input = state_.sparse_input;
    double slice_seconds = 0;
    for (std::size_t b = first; b < end; ++b) {
      set_cells(state_, epoch.cells(b), batch);
      batch.adam = adam_step(state_.options, step_ + static_cast<std::int64_t>(b) + 1);
      train_batch(share, batch, barrier, slice_seconds);
      if (share.thread == 0) {
        add_loss(state_, batch.loss_scale, epoch.loss);
        epoch.n_done = b + 1;
        epoch.go_on = epoch.reporter.report(static_cast<std::int64_t>(epoch.n_done));
      }
      barrier.wait();
      state_.stored.prefetch(epoch.cells(b + 1));
      update_weights(share, batch, slice_seconds);
      if (!epoch.go_on) break;
    }
    slice_seconds_[share.thread] += slice_seconds;
  });
}

EpochLoss CpuBackend::train_epoch(std::uint32_t epoch_index, std::span<const std::uint32_t> order,
                                  const BatchCallback& callback) {
  constexpr std::size_t kBatchesInRun = 256;
  Epoch epoch{epoch_index, order, static_cast<std::size_t>(state_.options.batch_size),
              Reporter(callback)};
  while (epoch.go_on && epoch.n_done < epoch.n_batches()) {
    const std::size_t first = epoch.n_done;
    double seconds = 0;
    {
      const Stopwatch stopwatch(seconds);
      train_run(epoch, std::min(first + kBatchesInRun, epoch.n_batches()));
    }
    learn_from_run(static_cast<std::int64_t>(epoch.n_done - first), seconds);
  }
  step_ += static_cast<std::int64_t>(epoch.n_done);
  epoch.reporter.rethrow();
  const auto n_done = static_cast<double>(epoch.n_done);
  return {epoch.loss.masked / n_done, epoch.loss.biozero / n_done};
}

void CpuBackend::copy_latent(const Batch& batch, float* latent_out) const {
  const std::int64_t latent = state_.network.shape.latent;
  const AlignedFloats& transposed = state_.activations[1].output_transposed;
  for (std::size_t cell = 0; cell < batch.cells.size(); ++cell) {
    for (std::int64_t k = 0; k < latent; ++k) {
      latent_out[cell * latent + k] =
          transposed[(k / kGroup) * state_.unit_panel() + cell * kGroup + k % kGroup];
    }
  }
}

void CpuBackend::reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                             float* latent_out) {
  const std::int64_t most_cells = state_.most_groups * kGroup;
  std::vector<std::uint32_t> rows(n_cells);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first_cell));

  run_team(n_threads_, [&](const Share& share, Barrier& barrier) {
    Batch& batch = batches_[share.thread];
    batch.first_slice = share.first_slice;
    batch.sparse_input = false;
    for (std::int64_t done = 0; done < n_cells; done += most_cells) {
      const std::int64_t n = std::min(most_cells, n_cells - done);
      set_cells(state_, std::span(rows).subspan(done, n), batch);
      phases_.seek_gene(state_, batch, state_.slices.begin(share.first_slice));
      for (std::int32_t slice = share.first_slice; slice < share.end_slice; ++slice) {
        phases_.load_slice(state_, batch, slice);
        phases_.encode_slice(state_, batch, slice);
      }
      barrier.wait();
      for (std::int64_t group = share.thread; group < batch.n_groups; group += share.n_threads) {
        phases_.trunk_forward(state_, batch, group);
      }
      barrier.wait();
      if (latent_out != nullptr && share.thread == 0) {
        copy_latent(batch, latent_out + done * state_.network.shape.latent);
      }
      if (log2_out == nullptr) continue;
      for (std::int32_t slice = share.first_slice; slice < share.end_slice; ++slice) {
        phases_.reconstruct_slice(state_, batch, slice, log2_out + done * data_.n_genes);
      }
    }
  });
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const ScaledData& data, const NetworkShape& shape,
                                          const TrainingOptions& options, int n_threads,
                                          int n_processors) {
  return std::make_unique<CpuBackend>(data, shape, options, n_threads, n_processors);
}

}  // namespace maskclass::cpu
