#include "kernels/math/philox.h"

#include <doctest/doctest.h>

namespace philox = maskclass::philox;
using philox::Words;

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  // kat_vectors of Random123 1.14: counter, key, output.
  CHECK(philox::random_words({0, 0, 0, 0}, 0) ==
        Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(
      philox::random_words({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
      Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(
      philox::random_words({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
      Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers stay inside their interval") {
  CHECK(philox::to_unit_float(0) == 0.0f);
  CHECK(philox::to_unit_float(0xffffffff) < 1.0f);
  CHECK(philox::to_open_unit_double(0, 0) == 0x1p-53);
  CHECK(philox::to_open_unit_double(0xffffffff, 0xffffffff) == 1 - 0x1p-53);
}
