#include "bench/limits.h"

// Compiled once for each instruction set, as kernels/cpu/phases.cpp is.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits.cpp"  // NOLINT(bugprone-suspicious-include)
#include <hwy/foreach_target.h>                // IWYU pragma: keep
// After foreach_target.h:
#include <hwy/highway.h>

#include "kernels/cpu/adam-inl.h"
#include "kernels/cpu/aligned.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// c = a b for rows [first, end) of a [rows][n_steps]; b is a panel [n_columns / 16][n_steps][16],
/// c a panel [n_columns / 16][rows][16]. The steps are cut so that a strip of b stays in the
/// first-level cache.
inline void multiply_rows(const float* a, const float* b, float* c, std::int64_t first,
                          std::int64_t end, std::int64_t n_rows, std::int64_t n_steps,
                          std::int64_t n_columns) {
  constexpr std::int64_t kSteps = 256;
  const Floats d;
  for (std::int64_t step = 0; step < n_steps; step += kSteps) {
    for (std::int64_t column = 0; column < n_columns / kGroup; ++column) {
      const float* strip = b + (column * n_steps + step) * kGroup;
      float* out = c + column * n_rows * kGroup;
      for_each_tile(end - first, kVectorsInGroup,
                    [=](auto rows, auto vectors, std::int64_t row, int vector) MASKCLASS_TILE {
                      Vector sums[rows.value][vectors.value];
                      float* tile = out + (first + row) * kGroup;
                      for (std::int64_t r = 0; r < rows.value; ++r) {
                        for (int v = 0; v < vectors.value; ++v) {
                          sums[r][v] =
                              step == 0
                                  ? hn::Zero(d)
                                  : hn::Load(d, tile + r * kGroup + vector_offset(vector + v, 0));
                        }
                      }
                      const Factor left{a + (first + row) * n_steps + step,
                                        static_cast<std::size_t>(n_steps), 1};
                      multiply_add(left, strip, 0, vector, kSteps, sums);
                      store_tile(sums, tile, 0, vector);
                    });
    }
  }
}

/// Adds one to each of three arrays.
inline void read_and_write(float* a, float* b, float* c, std::int64_t n) {
  const Floats d;
  const Vector one = hn::Set(d, 1.0f);
  for (std::int64_t k = 0; k < n; k += kLanes) {
    hn::Store(hn::Add(hn::Load(d, a + k), one), d, a + k);
    hn::Store(hn::Add(hn::Load(d, b + k), one), d, b + k);
    hn::Store(hn::Add(hn::Load(d, c + k), one), d, c + k);
  }
}

/// Adam alone, for n weights.
inline void update_all(const AdamStep& step, const float* gradient, Tensor& tensor,
                       std::int64_t n) {
  const Floats d;
  const AdamStep adam = step;
  const TensorPointers pointers(tensor);
  for (std::int64_t k = 0; k < n; k += kLanes) {
    update_at(adam, hn::Load(d, gradient + k), pointers, k);
  }
}

/// Random words for `n_blocks` blocks of four genes and 16 cells; returns their exclusive or.
inline std::uint32_t philox_blocks(std::uint32_t n_blocks) {
  const Words d;
  const PhiloxStream stream(1, philox::Purpose::mask, 2);
  PhiloxCells cells[kVectorsInGroup];
  for (int v = 0; v < kVectorsInGroup; ++v) {
    cells[v].set(stream, hn::Iota(d, static_cast<std::uint32_t>(v) * kLanes));
  }
  WordVector all = hn::Zero(d);
  for (std::uint32_t block = 0; block < n_blocks; ++block) {
    const PhiloxGenes genes(stream, block);
    for (const PhiloxCells& of_vector : cells) {
      WordVector words[4];
      random_words(stream, of_vector, genes, words);
      for (const WordVector word : words) all = hn::Xor(all, word);
    }
  }
  return hn::GetLane(all);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <ctime>
#ifdef MASKCLASS_OPENBLAS
#include <cblas.h>
#endif

namespace maskclass::cpu {
HWY_EXPORT(multiply_rows);
HWY_EXPORT(read_and_write);
HWY_EXPORT(philox_blocks);
HWY_EXPORT(update_all);
}  // namespace maskclass::cpu

namespace maskclass::bench {
namespace {

using cpu::AlignedFloats;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The least processor time of several runs.
template <class Work>
double best_seconds(const Work& work) {
  double best = 1e30;
  for (int run = 0; run < 15; ++run) {
    const double start = thread_seconds();
    work();
    best = std::min(best, thread_seconds() - start);
  }
  return best;
}

}  // namespace

Limits measure_limits(int n_threads, std::int64_t n_weights) {
  using namespace cpu;  // HWY_DYNAMIC_DISPATCH names what HWY_EXPORT declared there
  Limits limits;
  constexpr std::int64_t kSize = 1024;
  constexpr double kFlop = 2.0 * kSize * kSize * kSize;
  const AlignedFloats a(kSize * kSize, 0.5f);
  const AlignedFloats b(kSize * kSize, 0.25f);
  AlignedFloats c(kSize * kSize);
  limits.own_flops = n_threads * kFlop / best_seconds([&] {
                       HWY_DYNAMIC_DISPATCH(multiply_rows)
                       (a.data(), b.data(), c.data(), 0, kSize, kSize, kSize, kSize);
                     });
#ifdef MASKCLASS_OPENBLAS
  openblas_set_num_threads(1);
  limits.blas_flops = n_threads * kFlop / best_seconds([&] {
                        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kSize, kSize, kSize,
                                    1.0f, a.data(), kSize, b.data(), kSize, 0.0f, c.data(), kSize);
                      });
#endif
  constexpr int kPasses = 100;
  const std::int64_t n = groups_for(n_weights / n_threads) * kGroup;
  AlignedFloats value(n), first_moment(n), second_moment(n);
  limits.memory_rate = n_threads * 24.0 * static_cast<double>(n) * kPasses / best_seconds([&] {
                         for (int pass = 0; pass < kPasses; ++pass) {
                           HWY_DYNAMIC_DISPATCH(read_and_write)
                           (value.data(), first_moment.data(), second_moment.data(), n);
                         }
                       });
  cpu::Tensor tensor;
  tensor.resize(n);
  const AlignedFloats gradient(n, 1e-3f);
  const AdamStep adam = adam_step(TrainingOptions{}, 1);
  limits.adam_updates = n_threads * static_cast<double>(n) * kPasses / best_seconds([&] {
                          for (int pass = 0; pass < kPasses; ++pass) {
                            HWY_DYNAMIC_DISPATCH(update_all)(adam, gradient.data(), tensor, n);
                          }
                        });
  constexpr std::uint32_t kBlocks = 100000;
  limits.philox_blocks = n_threads * 16.0 * kBlocks / best_seconds([&] {
                           volatile std::uint32_t kept =
                               HWY_DYNAMIC_DISPATCH(philox_blocks)(kBlocks);
                           (void)kept;
                         });
  return limits;
}

Floor dense_floor(const Limits& limits, std::int64_t n_weights, std::int64_t batch_size,
                  std::int64_t n_genes) {
  const auto weights = static_cast<double>(n_weights);
  const auto batch = static_cast<double>(batch_size);
  const auto genes = static_cast<double>(n_genes);
  Floor floor;
  floor.products =
      (6 * batch * weights - 128 * batch * genes) / std::max(limits.blas_flops, limits.own_flops);
  floor.adam = 24 * weights / limits.memory_rate;
  floor.philox = 2 * batch * genes / 4 / limits.philox_blocks;
  return floor;
}

}  // namespace maskclass::bench
#endif
