#include "engine/spread.h"

#include <algorithm>
#include <cmath>

#include "engine/preprocess/quantile.h"

namespace maskclass {
namespace {

using calibrated::ZeroDistribution;

constexpr double kLow = 0.05;
constexpr double kHigh = 0.95;

/// Where the spread of one entry goes.
class Entry {
 public:
  Entry(const SpreadBlock& out, std::int64_t at) : out_(out), at_(at) {}

  /// `values` of the members; reordered.
  void put(std::span<double> values) const {
    const auto n = static_cast<double>(values.size());
    double mean = 0;
    for (const double value : values) mean += value;
    mean /= n;  // of equal values, exactly that value
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    store(out_.sd, std::sqrt(squares / n));
    if (out_.q05 != nullptr) store(out_.q05, quantile(values, kLow));
    if (out_.q95 != nullptr) store(out_.q95, quantile(values, kHigh));
  }

  void put(const std::vector<const ZeroDistribution*>& members) const {
    const auto n = static_cast<double>(members.size());
    double mean = 0;
    double square = 0;
    for (const ZeroDistribution* member : members) {
      mean += member->mean / n;
      square += (member->variance + member->mean * member->mean) / n;
    }
    store(out_.sd, std::sqrt(std::max(0.0, square - mean * mean)));
    if (out_.q05 != nullptr) store(out_.q05, mixture_quantile(members, kLow));
    if (out_.q95 != nullptr) store(out_.q95, mixture_quantile(members, kHigh));
  }

 private:
  void store(float* to, double value) const {
    if (to != nullptr) to[at_] = static_cast<float>(value);
  }

  const SpreadBlock& out_;
  std::int64_t at_;
};

/// Memory of one thread.
struct Scratch {
  std::vector<double> values;                                // [n_members]
  std::vector<const ZeroDistribution*> mixture;              // [n_members]
  std::vector<std::vector<ZeroDistribution>> distributions;  // [n_members][n_genes]
};

/// Row `row` of the block, which is cell first_cell + row.
void spread_of_cell(std::span<const MemberBlock> members, std::span<const std::int32_t> observed,
                    std::int64_t cell, std::int64_t row, std::int64_t n_genes,
                    const SpreadBlock& out, Scratch& scratch) {
  const std::size_t n_members = members.size();
  const bool posterior = members[0].zeros != nullptr;
  scratch.values.resize(n_members);
  scratch.mixture.resize(n_members);
  scratch.distributions.resize(n_members);
  if (posterior) {
    for (std::size_t m = 0; m < n_members; ++m) {
      const MemberBlock& member = members[m];
      scratch.distributions[m].resize(n_genes);
      member.zeros->distributions(
          cell, observed, member.network.empty() ? nullptr : member.network.data() + row * n_genes,
          *member.quantiles, scratch.distributions[m]);
    }
  }
  std::size_t next = 0;
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    const bool is_observed = next < observed.size() && observed[next] == gene;
    if (is_observed) ++next;
    const Entry entry(out, row * n_genes + gene);
    if (posterior && !is_observed) {
      for (std::size_t m = 0; m < n_members; ++m) {
        scratch.mixture[m] = &scratch.distributions[m][gene];
      }
      entry.put(scratch.mixture);
    } else {
      for (std::size_t m = 0; m < n_members; ++m) {
        scratch.values[m] = members[m].log2[row * n_genes + gene];
      }
      entry.put(std::span(scratch.values));
    }
  }
}

}  // namespace

void compute_spread(std::span<const MemberBlock> members, const CsrView& counts,
                    std::int64_t first_cell, std::int64_t n_cells, int n_threads,
                    const SpreadBlock& out) {
#pragma omp parallel num_threads(n_threads)
  {
    Scratch scratch;
#pragma omp for schedule(dynamic, 16)
    for (std::int64_t row = 0; row < n_cells; ++row) {
      const std::int64_t cell = first_cell + row;
      spread_of_cell(members, counts.row_indices(cell), cell, row, counts.n_genes, out, scratch);
    }
  }
}

}  // namespace maskclass
