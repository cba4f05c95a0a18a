#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"
#include "kernels/math/biozero.h"
#include "kernels/math/philox.h"

namespace maskclass::test {

/// A small scaled data set whose every value follows from its indices, so that
/// make_pytorch_values.py can make the same one.
struct MadeUpData {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> scaled;
  std::vector<std::uint32_t> cell_ids;
  std::vector<GeneScaling> genes;
  std::vector<float> coefficients;
  std::vector<float> position;
  std::vector<float> shrink;
  std::vector<std::uint32_t> curve;

  /// An entry is a non-zero where its random bits of purpose `simulation` are below
  /// (1 - zeros) * 2^32. With several dropout curves neighbouring cells have different ones.
  MadeUpData(std::int64_t n_cells, std::int32_t n_genes, double zeros = 0.6,
             std::uint32_t n_curves = 1) {
    const auto limit = static_cast<std::uint64_t>((1 - zeros) * 0x1p32);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
      cell_ids.push_back(static_cast<std::uint32_t>(3 * cell + 1));
      position.push_back(static_cast<float>(cell % 9) / 4.0f - 1.0f);
      shrink.push_back(1.0f - 0.0625f * static_cast<float>(cell % 5));
      for (std::int32_t gene = 0; gene < n_genes; ++gene) {
        const std::uint32_t bits = philox::random_bits(11, philox::Purpose::simulation, 0,
                                                       static_cast<std::uint32_t>(cell), gene);
        if (bits >= limit) continue;
        indices.push_back(gene);
        scaled.push_back(static_cast<float>(bits % 513) / 256.0f - 1.0f);
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
    for (std::int64_t cell = 0; n_curves > 1 && cell < n_cells; ++cell) {
      curve.push_back(static_cast<std::uint32_t>(cell * 7 / 3) % n_curves);
    }
    for (std::int32_t gene = 0; gene < n_genes; ++gene) {
      const float high = 4.0f + static_cast<float>(gene % 8);
      genes.push_back(
          {0.0f, high, 2.0f / high, high / 2.0f, 10.0f + static_cast<float>(gene % 50)});
    }
    coefficients.resize(std::size_t{n_curves} * n_genes * kBiozeroTerms, 0.0f);
    for (std::uint32_t of = 0; of < n_curves; ++of) {
      for (std::int32_t gene = 0; gene < n_genes; ++gene) {
        float* terms = &coefficients[(std::size_t{of} * n_genes + gene) * kBiozeroTerms];
        terms[0] = 0.25f + 0.03125f * static_cast<float>((gene + 5 * of) % 16);
        terms[1] = -0.125f;
        terms[2] = 0.0625f;
      }
    }
  }

  ScaledData view() const {
    ScaledData data;
    data.n_cells = static_cast<std::int64_t>(cell_ids.size());
    data.n_genes = static_cast<std::int32_t>(genes.size());
    data.indptr = indptr;
    data.indices = indices;
    data.scaled = scaled;
    data.cell_ids = cell_ids;
    data.genes = genes;
    data.biozero_coefficients = coefficients;
    data.biozero_curve = curve;
    data.biozero_position = position;
    data.biozero_shrink = shrink;
    return data;
  }
};

}  // namespace maskclass::test
