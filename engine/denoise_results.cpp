#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/denoise_state.h"
#include "engine/error.h"
#include "engine/preprocess/normalise.h"
#include "engine/spread.h"
#include "kernels/math/result_values.h"

namespace maskclass {

namespace {

/// Results of all networks of an ensemble that are held at a time.
constexpr std::int64_t kEnsembleValues = std::int64_t{1} << 22;

}  // namespace

void Denoiser::State::require_cells(std::int64_t first_cell, std::int64_t n) const {
  if (first_cell >= 0 && n >= 0 && n <= n_cells() - first_cell) return;
  throw usage_error("compute: the cells asked for are not among the " + std::to_string(n_cells()) +
                    " that were kept");
}

/// Values at zeros, clamps, and puts observed non-zeros back (paper, Algorithm 1, line 13).
void Denoiser::State::finish_log2(const calibrated::Calibration* calibration,
                                  std::int64_t first_cell, std::int64_t n_cells,
                                  float* log2) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    float* values = log2 + row * n_genes();
    const std::int64_t cell = first_cell + row;
    const auto genes = counts.row_indices(cell);
    const auto observed = counts.row_values(cell);
    if (options.observed == Observed::replicate) {
      calibration->zeros.fill_replicate(cell, genes, observed, values);
    } else if (calibration != nullptr) {
      calibration->zeros.fill(cell, genes, values);
    }
    if (options.clamp) {
      for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
        values[gene] = clamped_log2(values[gene]);
      }
    }
    if (options.observed == Observed::replace || options.observed == Observed::replicate) continue;
    const double size_factor = options.observed == Observed::posterior
                                   ? 1 / calibration->zeros.estimate().library_factor[cell]
                                   : input.size_factors[cell];
    for (std::size_t k = 0; k < genes.size(); ++k) {
      values[genes[k]] = log_normalised(observed[k], size_factor);
    }
  }
}

/// Observed counts that are kept are copied, so that no rounding touches them.
void Denoiser::State::to_counts(const calibrated::Calibration* calibration, std::int64_t first_cell,
                                std::int64_t n_cells, const float* log2, float* counts) const {
  const CsrView observed = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    const auto genes = observed.row_indices(cell);
    const auto to_count = [&](std::int64_t at, double factor) {
      counts[at] = count_of_log2(log2[at], factor);
    };
    const double at_zeros = calibration != nullptr
                                ? calibration->zeros.estimate().library_factor[cell]
                                : library_factors[cell];
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      to_count(row * n_genes() + gene, at_zeros);
    }
    if (options.observed == Observed::replicate) continue;
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
void Denoiser::State::biozero_block(const calibrated::Calibration* calibration,
                                    std::int64_t first_cell, std::int64_t n_cells,
                                    const float* network, float* out) const {
  const CsrView counts = input.counts.view();
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    const auto observed = counts.row_indices(cell);
    float* values = out + row * n_genes();
    if (calibration != nullptr) {
      calibration->zeros.probabilities(
          cell, observed, network != nullptr ? network + row * n_genes() : nullptr, values);
      continue;
    }
    const BiozeroPosterior& posterior = biozero.posterior_of(cell);
    const double log_factor = std::log(biozero.library_factor[cell]);
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      values[gene] = static_cast<float>(posterior(gene, log_factor));
    }
    for (const std::int32_t gene : observed) values[gene] = 0;
  }
}

/// `network`, where not null, gets the network's own output.
void Denoiser::State::compute_member(const EnsembleMember* member, std::int64_t first_cell,
                                     std::int64_t n_cells, const DenoisedBlock& out,
                                     std::vector<float>* network) {
  const calibrated::Calibration* calibration =
      member != nullptr && member->calibration ? &*member->calibration : nullptr;
  if (results) {
    DenoisedBlock on_gpu = out;
    if (out.biozero != nullptr && !biozero.dropout) {
      biozero_block(nullptr, first_cell, n_cells, nullptr, out.biozero);
      on_gpu.biozero = nullptr;
    }
    results->compute(first_cell, n_cells, on_gpu);
    return;
  }
  const bool biozero_needs_network =
      out.biozero != nullptr && calibration != nullptr && calibration->zeros.network_weight() > 0;
  std::vector<float> scratch;
  float* log2 = out.log2;
  if (log2 == nullptr && (out.counts != nullptr || biozero_needs_network)) {
    scratch.resize(n_cells * n_genes());
    log2 = scratch.data();
  }
  if (log2 != nullptr || out.latent != nullptr) {
    backend->reconstruct(first_cell, n_cells, log2, out.latent);
  }
  if (network != nullptr) network->assign(log2, log2 + n_cells * n_genes());
  if (out.biozero != nullptr) {
    biozero_block(calibration, first_cell, n_cells, log2, out.biozero);
  }
  if (log2 != nullptr) {
    finish_log2(calibration, first_cell, n_cells, log2);
    if (out.counts != nullptr) to_counts(calibration, first_cell, n_cells, log2, out.counts);
  }
}

namespace {

SpreadBlock spread_of(const DenoisedBlock& out) {
  return {out.sd, out.q05, out.q95};
}

/// Means over the networks, added in their order.
class Mean {
 public:
  Mean(float* out, std::int64_t size) : out_(out), sums_(out != nullptr ? size : 0) {}

  /// Where a network's values go; null where they are not wanted.
  float* values() {
    values_.resize(sums_.size());
    return sums_.empty() ? nullptr : values_.data();
  }
  void add(const float* values) {
    for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] += values[k];
  }
  void add() { add(values_.data()); }
  void finish(std::int64_t n_members) const {
    const auto n = static_cast<double>(n_members);
    for (std::size_t k = 0; k < sums_.size(); ++k) out_[k] = static_cast<float>(sums_[k] / n);
  }

 private:
  float* out_;
  std::vector<double> sums_;
  std::vector<float> values_;
};

}  // namespace

/// Means and spreads over the networks of the ensemble.
void Denoiser::State::compute_members(std::int64_t first_cell, std::int64_t n_cells,
                                      const DenoisedBlock& out) {
  const std::int64_t size = n_cells * n_genes();
  const SpreadBlock spread = spread_of(out);
  const auto n_members = static_cast<std::int64_t>(members.size());
  Mean log2(out.log2, size);
  Mean counts(out.counts, size);
  Mean probability(out.biozero, size);
  std::vector<MemberBlock> blocks(members.size());
  for (std::int64_t number = 0; number < n_members; ++number) {
    EnsembleMember& member = members[number];
    MemberBlock& block = blocks[number];
    std::vector<float>* network = nullptr;
    if (member.calibration && spread.any()) {
      const calibrated::ZeroValues& zeros = member.calibration->zeros;
      block.zeros = &zeros;
      block.quantiles = &member.quantile_table(n_threads);
      if (zeros.network_weight() > 0) network = &block.network;
    }
    if (n_members > 1) backend->set_parameters(member.parameters);
    block.log2.resize(size);
    compute_member(&member, first_cell, n_cells,
                   {.log2 = block.log2.data(),
                    .counts = counts.values(),
                    .latent = number == 0 ? out.latent : nullptr,
                    .biozero = probability.values()},
                   network);
    log2.add(block.log2.data());
    counts.add();
    probability.add();
  }
  log2.finish(n_members);
  counts.finish(n_members);
  probability.finish(n_members);
  if (n_members > 1) backend->set_parameters(members[0].parameters);
  if (spread.any()) {
    compute_spread(blocks, input.counts.view(), first_cell, n_cells, n_threads, spread);
  }
}

namespace {

/// The part of `out` that begins `cells` further down.
DenoisedBlock moved(const DenoisedBlock& out, std::int64_t cells, std::int64_t n_genes,
                    std::int64_t latent) {
  const auto by = [cells](float* values, std::int64_t width) {
    return values == nullptr ? nullptr : values + cells * width;
  };
  return {by(out.log2, n_genes),    by(out.counts, n_genes), by(out.latent, latent),
          by(out.biozero, n_genes), by(out.sd, n_genes),     by(out.q05, n_genes),
          by(out.q95, n_genes)};
}

}  // namespace

void Denoiser::compute(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out) {
  State& state = *state_;
  state.require_cells(first_cell, n_cells);
  if ((state.options.calibrated || spread_of(out).any()) && state.members.empty()) {
    throw usage_error(
        "compute: the calibrated variant, and spreads, have values only once train() has run");
  }
  if (spread_of(out).any()) check_spread(state.options);
  if (state.members.size() <= 1 && !spread_of(out).any()) {
    state.compute_member(state.members.empty() ? nullptr : state.members.data(), first_cell,
                         n_cells, out, nullptr);
    return;
  }
  // Few cells at a time: the values of every network are held.
  const std::int64_t step =
      std::max<std::int64_t>(1, kEnsembleValues / (n_genes() * std::ssize(state.members)));
  for (std::int64_t done = 0; done < n_cells; done += step) {
    state.compute_members(first_cell + done, std::min(step, n_cells - done),
                          moved(out, done, n_genes(), latent_width()));
  }
}

void Denoiser::zero_distributions(std::int64_t cell, std::int32_t number,
                                  std::span<calibrated::ZeroDistribution> out) {
  State& state = *state_;
  state.require_cells(cell, 1);
  if (calibration(number) == nullptr) {
    throw usage_error("zero_distributions: the calibrated variant has no such trained network");
  }
  EnsembleMember& member = state.members[number];
  const calibrated::ZeroValues& zeros = member.calibration->zeros;
  std::vector<float> network;
  if (zeros.network_weight() > 0) {
    network.resize(n_genes());
    state.backend->set_parameters(member.parameters);
    state.backend->reconstruct(cell, 1, network.data(), nullptr);
    state.backend->set_parameters(state.members[0].parameters);
  }
  zeros.distributions(cell, state.input.counts.view().row_indices(cell),
                      network.empty() ? nullptr : network.data(),
                      member.quantile_table(state.n_threads), out);
}

void Denoiser::compute_on_device(std::int64_t first_cell, std::int64_t n_cells,
                                 const DenoisedBlock& out) {
  State& state = *state_;
  state.require_cells(first_cell, n_cells);
  if (!state.results) {
    throw usage_error("compute_on_device: results of this job are finished on the processor");
  }
  if (state.options.ensemble > 1 || spread_of(out).any()) {
    throw usage_error(
        "compute_on_device: ensembles and their spread are finished on the processor");
  }
  if (out.biozero != nullptr && !state.biozero.dropout) {
    throw usage_error(
        "compute_on_device: the biozero probabilities of the calibrated estimator, and of several "
        "batches, are computed on the processor");
  }
  state.results->compute_on_device(first_cell, n_cells, out);
}

}  // namespace maskclass
