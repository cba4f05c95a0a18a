#include "engine/evaluate/denoising_scores.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "tests/evaluate/random_values.h"

using maskclass::BiozeroScorer;
using maskclass::BiozeroScores;
using maskclass::DenoisingErrors;

namespace {

/// The chance that a positive has the higher value, over all pairs, ties a half.
double auc_over_pairs(const std::vector<float>& positives, const std::vector<float>& negatives) {
  double won = 0;
  for (const float positive : positives) {
    for (const float negative : negatives) {
      won += positive > negative ? 1 : (positive == negative ? 0.5 : 0);
    }
  }
  return won / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

struct Zeros {
  std::vector<float> probability, observed, truth, true_zeros, dropped;
  void add(float p, bool is_true) {
    probability.push_back(p);
    observed.push_back(0);
    truth.push_back(is_true ? 0.0f : 1.5f);
    (is_true ? true_zeros : dropped).push_back(p);
  }
  BiozeroScores scores() const {
    BiozeroScorer scorer;
    scorer.add(probability.data(),
               {1, static_cast<std::int64_t>(truth.size()), observed.data(), truth.data()});
    return scorer.scores();
  }
};

}  // namespace

TEST_CASE("denoising errors of a matrix worked by hand") {
  //                              kept  lost  zero | zero  lost  kept
  const std::vector<float> observed{2, 0, 0, 0, 0, 1};
  const std::vector<float> truth{3, 2, 0, 0, 1, 1};
  const std::vector<float> values{2, 1.5, 0.5, 0, 3, 1};
  DenoisingErrors errors;
  errors.add(values.data(), {2, 3, observed.data(), truth.data()}, 1);
  CHECK(errors.all.mean() == (1 + 0.25 + 0.25 + 0 + 4 + 0) / 6);
  CHECK(errors.all.n_entries == 6);
  CHECK(errors.dropout.mean() == (0.25 + 4) / 2);
  CHECK(errors.dropout.n_entries == 2);
  CHECK(errors.biozero.mean() == (0.25 + 0) / 2);
  CHECK(errors.biozero.n_entries == 2);
  CHECK(std::isnan(DenoisingErrors{}.all.mean()));
}

TEST_CASE("a count where the truth has none is a biozero entry") {
  const std::vector<float> observed{2}, truth{0}, values{2};
  DenoisingErrors errors;
  errors.add(values.data(), {1, 1, observed.data(), truth.data()}, 1);
  CHECK(errors.biozero.mean() == 4);
  CHECK(errors.dropout.n_entries == 0);
}

TEST_CASE("denoising errors do not depend on blocks or threads") {
  maskclass::test::Random random(2);
  const std::int64_t n_cells = 203, n_genes = 37;
  std::vector<float> observed, truth, values;
  for (std::int64_t k = 0; k < n_cells * n_genes; ++k) {
    truth.push_back(random.uniform() < 0.5 ? 0 : static_cast<float>(5 * random.uniform()));
    observed.push_back(random.uniform() < 0.5 ? 0 : truth.back());
    values.push_back(static_cast<float>(5 * random.uniform()));
  }
  const auto errors_by = [&](std::int64_t block, int n_threads) {
    DenoisingErrors errors;
    for (std::int64_t first = 0; first < n_cells; first += block) {
      const std::int64_t at = first * n_genes;
      errors.add(values.data() + at,
                 {std::min(block, n_cells - first), n_genes, &observed[at], &truth[at]}, n_threads);
    }
    return errors;
  };
  const DenoisingErrors reference = errors_by(n_cells, 1);
  for (const auto& [block, n_threads] : {std::pair(64, 1), std::pair(203, 2), std::pair(50, 4)}) {
    const DenoisingErrors errors = errors_by(block, n_threads);
    CHECK(errors.all.sum == reference.all.sum);
    CHECK(errors.dropout.sum == reference.dropout.sum);
    CHECK(errors.biozero.sum == reference.biozero.sum);
  }
  long double direct = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    direct += std::pow(static_cast<long double>(values[k]) - truth[k], 2);
  }
  // 7,511 additions in float64, each off by at most 1.1e-16 of the sum.
  CHECK(std::abs(static_cast<double>(direct) - reference.all.sum) < 1e-12 * reference.all.sum);
}

TEST_CASE("biozero scores worked by hand") {
  Zeros zeros;
  zeros.add(0.75f, true);
  zeros.add(0.5f, true);
  zeros.add(0.5f, false);
  zeros.add(0.25f, false);
  zeros.add(1.0f, false);
  const BiozeroScores scores = zeros.scores();
  // Pairs won: 0.75 beats 0.5 and 0.25; 0.5 ties one, beats one: 3.5 of 6.
  CHECK(scores.auc == 3.5 / 6);
  CHECK(scores.brier == (0.0625 + 0.25 + 0.25 + 0.0625 + 1) / 5);
  CHECK(scores.mean_probability == 3.0 / 5);
  CHECK(scores.true_fraction == 2.0 / 5);
  CHECK(scores.n_zeros == 5);
}

TEST_CASE("the area under the curve agrees with all pairs, with ties and with tiny values") {
  maskclass::test::Random random(6);
  Zeros coarse, fine;
  for (int k = 0; k < 1500; ++k) {
    const bool is_true = random.uniform() < 0.3;
    const double p = std::pow(random.uniform(), is_true ? 1 : 2);
    coarse.add(static_cast<float>(std::floor(p * 20) / 20), is_true);  // Many ties, 0 among them.
    fine.add(static_cast<float>(std::pow(10.0, -12 * (1 - p))), is_true);
  }
  const BiozeroScores of_coarse = coarse.scores();
  CHECK(std::abs(of_coarse.auc - auc_over_pairs(coarse.true_zeros, coarse.dropped)) < 1e-12);
  CHECK(of_coarse.auc_error == 0);
  const BiozeroScores of_fine = fine.scores();
  const double exact = auc_over_pairs(fine.true_zeros, fine.dropped);
  CHECK(std::abs(of_fine.auc - exact) <= of_fine.auc_error + 1e-12);
  CHECK(of_fine.auc_error > 0);
  CHECK(of_fine.auc_error < 1e-4);
}

TEST_CASE("only observed zeros are scored, and one kind alone has no curve") {
  const std::vector<float> probability{7, 0.5f}, observed{1, 0}, truth{1, 0};
  BiozeroScorer scorer;
  scorer.add(probability.data(), {2, 1, observed.data(), truth.data()});
  CHECK(scorer.scores().n_zeros == 1);
  CHECK(std::isnan(scorer.scores().auc));
  CHECK(scorer.scores().brier == 0.25);
  CHECK(std::isnan(BiozeroScorer().scores().brier));
}

TEST_CASE("probabilities that are none are refused") {
  const float zero = 0;
  for (const float p : {-0.1f, 1.1f, std::nanf("")}) {
    BiozeroScorer scorer;
    CHECK_THROWS_AS(scorer.add(&p, {1, 1, &zero, &zero}), maskclass::Error);
  }
}
