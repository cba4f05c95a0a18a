// How well calibrated is the posterior of the calibrated variant at observed zeros?
//   uncertainty SCENARIO [cells = 5000] [draws = 1] [ensemble = 1] [truth = independent|coupled]
// `draws` are seeds of `simulate`, separated by commas; the training's seed is 0. For each draw:
// the distance of Kolmogorov and Smirnov between the randomised probability integral transform of
// the truth and the uniform distribution (a true count t stands for t - 1/2 to t + 1/2, a true zero
// for the atom; a uniform draw of that range is taken), the share of the truth within q05 to q95,
// and the mean of sd^2 beside that of the squared error. `truth` concerns Sim-Batch.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/denoise.h"
#include "engine/simulate/splat.h"
#include "engine/simulate/truth_posterior.h"
#include "engine/threads.h"

using namespace maskclass;
using calibrated::ZeroDistribution;

namespace {

/// Largest distance between the distribution of the values in [0, 1] and the uniform one.
double uniform_distance(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto rank = static_cast<double>(k);
    distance = std::max({distance, (rank + 1) / n - values[k], values[k] - rank / n});
  }
  return distance;
}

double mean_cdf(const std::vector<std::vector<ZeroDistribution>>& members, std::int64_t gene,
                double value) {
  double sum = 0;
  for (const auto& member : members) sum += member[gene].cdf(value);
  return sum / static_cast<double>(members.size());
}

struct Scores {
  double distance = 0;
  double inside = 0;
  double expected_error = 0;  // mean sd^2
  double error = 0;           // mean squared error
};

Scores score(const simulate::Simulation& simulation, Denoiser& denoiser, std::int32_t n_members) {
  const Preprocessed& input = denoiser.input();
  const std::int64_t n_genes = denoiser.n_genes();
  const CsrView counts = input.counts.view();
  const int n_threads = default_thread_count();
  const std::vector<double> scale =
      simulate::truth_scales(simulation.true_counts.view(), input.passed_genes, n_threads);
  const CsrMatrix truth =
      select(simulation.true_counts.view(), input.cells, input.genes, n_threads);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> transforms;
  Scores scores;
  std::vector<float> log2(n_genes), sd(n_genes), q05(n_genes), q95(n_genes);
  std::vector<std::vector<ZeroDistribution>> members(n_members,
                                                     std::vector<ZeroDistribution>(n_genes));
  for (std::int64_t cell = 0; cell < denoiser.n_cells(); ++cell) {
    denoiser.compute(cell, 1,
                     {.log2 = log2.data(), .sd = sd.data(), .q05 = q05.data(), .q95 = q95.data()});
    const auto observed = counts.row_indices(cell);
    for (std::int32_t m = 0; m < n_members; ++m) denoiser.zero_distributions(cell, m, members[m]);
    std::vector<double> true_count(n_genes);
    const auto genes = truth.view().row_indices(cell);
    const auto values = truth.view().row_values(cell);
    for (std::size_t k = 0; k < genes.size(); ++k) true_count[genes[k]] = values[k];
    for (const std::int32_t gene : observed) true_count[gene] = -1;
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      const double t = true_count[gene];
      if (t < 0) continue;
      const double x = std::log2(1 + t * scale[cell]);
      const auto cdf_at = [&](double count) {
        return count < 0 ? 0.0 : mean_cdf(members, gene, std::log2(1 + count * scale[cell]));
      };
      const double low = t > 0 ? cdf_at(t - 0.5) : 0;
      const double high = t > 0 ? cdf_at(t + 0.5) : cdf_at(0);
      transforms.push_back(low + uniform(random) * (high - low));
      scores.inside += x >= q05[gene] && x <= q95[gene] ? 1 : 0;
      scores.expected_error += static_cast<double>(sd[gene]) * sd[gene];
      scores.error += (x - log2[gene]) * (x - log2[gene]);
    }
  }
  const auto n = static_cast<double>(transforms.size());
  scores.distance = uniform_distance(transforms);
  scores.inside /= n;
  scores.expected_error /= n;
  scores.error /= n;
  return scores;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int k, const char* standard) -> std::string {
    return argc > k ? argv[k] : standard;
  };
  const std::string scenario = argument(1, "equal");
  simulate::SplatParameters parameters = simulate::scenario(scenario);
  parameters.n_cells = std::atol(argument(2, "5000").c_str());
  if (argument(5, "independent") == "independent") {
    parameters.batch_truth = simulate::BatchTruth::independent;
  }
  DenoiseOptions options;
  options.preprocess.n_top_genes = 0;
  options.preprocess.drop_empty_cells = true;
  options.training.biozero_weight = 0;
  options.calibrated = true;
  options.ensemble = std::atoi(argument(4, "1").c_str());
  std::printf(
      "| scenario, draw | cells | networks | KS | in 90 %% | mean sd^2 | squared error |\n"
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  std::istringstream draws(argument(3, "1"));
  for (std::string draw; std::getline(draws, draw, ',');) {
    const simulate::Simulation simulation =
        simulate::simulate(parameters, std::strtoull(draw.c_str(), nullptr, 10), 2);
    Denoiser denoiser(simulation.counts.view(), options);
    denoiser.train();
    const Scores scores = score(simulation, denoiser, options.ensemble);
    std::printf("| %s, %s | %ld | %d | %.3f | %.3f | %.3f | %.3f |\n", scenario.c_str(),
                draw.c_str(), static_cast<long>(parameters.n_cells), options.ensemble,
                scores.distance, scores.inside, scores.expected_error, scores.error);
    std::fflush(stdout);
  }
}
