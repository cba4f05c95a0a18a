#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace maskclass::test {

/// Reproducible random numbers for test inputs. The engine's bits are the same everywhere (unlike
/// those of the standard distributions).
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  double uniform() { return (static_cast<double>(engine_()) + 0.5) * 0x1p-32; }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(n));
  }
  double normal() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::mt19937 engine_;
};

/// `n_groups` Gaussian clouds, their centres `separation` deviations apart along different axes;
/// point i belongs to group i % n_groups. [n_points][n_dimensions]
inline std::vector<double> clouds(std::int64_t n_points, std::int64_t n_dimensions,
                                  std::int64_t n_groups, double separation, std::uint32_t seed) {
  Random random(seed);
  std::vector<double> values(n_points * n_dimensions);
  for (std::int64_t i = 0; i < n_points; ++i) {
    const std::int64_t axis = i % n_groups % n_dimensions;
    const std::int64_t times = 1 + i % n_groups / n_dimensions;
    for (std::int64_t d = 0; d < n_dimensions; ++d) {
      const double centre = d == axis ? separation * static_cast<double>(times) : 0;
      values[i * n_dimensions + d] = centre + random.normal();
    }
  }
  return values;
}

}  // namespace maskclass::test
