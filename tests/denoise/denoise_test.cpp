#include "engine/denoise.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"
#include "kernels/math/philox.h"

using namespace maskclass;

namespace {

/// 60 cells x 30 genes of small counts; about half are zeros.
CsrMatrix made_up_counts() {
  CsrMatrix counts;
  counts.n_cells = 60;
  counts.n_genes = 30;
  for (std::uint32_t cell = 0; cell < 60; ++cell) {
    for (std::int32_t gene = 0; gene < 30; ++gene) {
      const std::uint32_t bits = philox::random_bits(3, philox::Purpose::simulation, 0, cell, gene);
      if (bits % 2 == 0) continue;
      counts.indices.push_back(gene);
      counts.values.push_back(static_cast<float>(1 + (bits >> 8) % 999));
    }
    counts.indptr.push_back(static_cast<std::int64_t>(counts.indices.size()));
  }
  return counts;
}

DenoiseOptions quick_options() {
  DenoiseOptions options;
  options.preprocess.n_top_genes = 0;
  options.n_epochs = 2;
  options.hidden = 8;
  options.latent = 4;
  return options;
}

struct Results {
  std::vector<float> log2, counts, latent, biozero;
};

Results results_of(Denoiser& denoiser) {
  const std::size_t n = denoiser.n_cells() * denoiser.n_genes();
  Results results{std::vector<float>(n), std::vector<float>(n),
                  std::vector<float>(denoiser.n_cells() * denoiser.latent_width()),
                  std::vector<float>(n)};
  denoiser.compute(
      0, denoiser.n_cells(),
      {results.log2.data(), results.counts.data(), results.latent.data(), results.biozero.data()});
  return results;
}

}  // namespace

TEST_CASE("kept counts come back exactly, zeros get values, and blocks are parts of the whole") {
  const CsrMatrix counts = made_up_counts();
  Denoiser denoiser(counts.view(), quick_options());
  denoiser.train();
  REQUIRE(denoiser.n_genes() == 30);
  CHECK(denoiser.history().size() == 2);
  const Results all = results_of(denoiser);
  std::vector<bool> observed(all.counts.size(), false);
  for (std::int64_t cell = 0; cell < 60; ++cell) {
    for (std::size_t k = 0; k < counts.view().row_indices(cell).size(); ++k) {
      const std::size_t at = cell * 30 + counts.view().row_indices(cell)[k];
      observed[at] = true;
      CHECK(all.counts[at] == counts.view().row_values(cell)[k]);
      CHECK(all.biozero[at] == 0);
    }
  }
  for (std::size_t at = 0; at < observed.size(); ++at) {
    if (observed[at]) continue;
    CHECK(all.log2[at] >= 0);
    CHECK(std::isfinite(all.counts[at]));
    CHECK(all.biozero[at] >= 0);
    CHECK(all.biozero[at] <= 1);
  }
  std::vector<float> part(std::size_t{7} * 30);
  denoiser.compute(40, 7, {.log2 = part.data()});
  for (std::size_t k = 0; k < part.size(); ++k)
    CHECK(part[k] == all.log2[std::size_t{40} * 30 + k]);
  CHECK_THROWS_AS(denoiser.compute(59, 2, {}), Error);
}

TEST_CASE("with replace, the network's values stand everywhere") {
  const CsrMatrix counts = made_up_counts();
  DenoiseOptions options = quick_options();
  options.observed = Observed::replace;
  Denoiser denoiser(counts.view(), options);
  denoiser.train();
  const Results results = results_of(denoiser);
  std::size_t n_kept = 0;
  for (std::int64_t cell = 0; cell < 60; ++cell) {
    for (std::size_t k = 0; k < counts.view().row_indices(cell).size(); ++k) {
      const std::size_t at = cell * 30 + counts.view().row_indices(cell)[k];
      n_kept += results.counts[at] == counts.view().row_values(cell)[k];
    }
  }
  CHECK(n_kept < 10);
}

TEST_CASE("results do not depend on the number of threads") {
  const CsrMatrix counts = made_up_counts();
  DenoiseOptions options = quick_options();
  options.n_threads = 1;
  Denoiser one(counts.view(), options);
  one.train();
  options.n_threads = 4;
  Denoiser four(counts.view(), options);
  four.train();
  const Results a = results_of(one);
  const Results b = results_of(four);
  CHECK(a.log2 == b.log2);
  CHECK(a.counts == b.counts);
  CHECK(a.latent == b.latent);
  CHECK(a.biozero == b.biozero);
}

TEST_CASE("a cancelled training may start again, with the same result") {
  const CsrMatrix counts = made_up_counts();
  Denoiser denoiser(counts.view(), quick_options());
  CHECK_THROWS_AS(denoiser.train({[](const Progress&) { return false; }, {}}), Error);
  CHECK(denoiser.history().empty());
  denoiser.train();
  Denoiser other(counts.view(), quick_options());
  other.train();
  CHECK(results_of(denoiser).log2 == results_of(other).log2);
}

TEST_CASE("counts that are not well formed are refused") {
  const auto message_of = [](const CsrMatrix& counts) {
    try {
      Denoiser denoiser(counts.view(), quick_options());
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::data);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(message_of(made_up_counts()) == "accepted");
  const auto mentions = [&](const CsrMatrix& counts, const char* words) {
    const std::string message = message_of(counts);
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  CsrMatrix counts = made_up_counts();
  const auto start = counts.indptr[4];
  std::swap(counts.indices[start], counts.indices[start + 1]);
  mentions(counts, "cell 5 of the counts has genes that do not ascend");
  counts = made_up_counts();
  counts.indices[counts.indptr[4] - 1] = 30;
  mentions(counts, "cell 4 of the counts has a gene that is out of range");
  for (const float value : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()}) {
    counts = made_up_counts();
    counts.values[0] = value;
    mentions(counts, "cell 1 of the counts has a value");
  }
  counts = made_up_counts();
  std::swap(counts.indptr[3], counts.indptr[4]);
  mentions(counts, "fall at cell 4");
  counts = made_up_counts();
  counts.values.pop_back();
  mentions(counts, "as many indices and values");
  counts = made_up_counts();
  counts.indptr.pop_back();
  mentions(counts, "row pointers");
}
