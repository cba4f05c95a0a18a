#include <doctest/doctest.h>

#include "tests/cuda/device_data.h"
#include "tests/cuda/random_words.h"

using namespace maskclass;
using maskclass::cuda::test::Draw;
using maskclass::cuda::test::DrawnWords;

TEST_CASE(
    "curand_init with curand4, curand_Philox4x32_10 and the CPU's Philox give the same bits") {
  std::vector<Draw> draws;
  for (const std::uint64_t seed : {0ull, 1ull, 0x123456789abcdefull, ~0ull}) {
    for (const auto purpose : {philox::Purpose::mask, philox::Purpose::noise,
                               philox::Purpose::initial_weights, philox::Purpose::simulation}) {
      for (const std::uint32_t epoch : {0u, 1u, 299u, 0x80000000u, ~0u}) {
        for (const std::uint32_t cell : {0u, 1u, 4999u, 0x80000001u, ~0u}) {
          for (const std::uint32_t gene : {0u, 3u, 4u, 1099u, 0x7ffffffcu, ~0u}) {
            draws.push_back({seed, purpose, epoch, cell, gene});
          }
        }
      }
    }
  }
  const cuda::test::TestStream stream;
  const auto device_draws = stream.upload(draws);
  const auto device_words = stream.array<DrawnWords>(draws.size());
  cuda::test::draw_words(device_draws.data(), static_cast<int>(draws.size()), device_words.data(),
                         stream.context.stream);
  const std::vector<DrawnWords> words = stream.download(device_words);
  for (std::size_t k = 0; k < draws.size(); ++k) {
    CAPTURE(k);
    const Draw& draw = draws[k];
    const philox::Words expected = philox::random_words(
        philox::counter_of(draw.purpose, draw.epoch, draw.cell, draw.gene), draw.seed);
    REQUIRE(words[k].kernels == expected);
    REQUIRE(words[k].project == expected);
    REQUIRE(words[k].curand == expected);
    for (std::uint32_t word = 0; word < 4; ++word) {
      REQUIRE(philox::random_bits(draw.seed, draw.purpose, draw.epoch, draw.cell,
                                  (draw.gene & ~3u) + word) == expected[word]);
    }
  }
}
