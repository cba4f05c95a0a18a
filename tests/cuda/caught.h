#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernels/cuda/runtime/error.h"

namespace maskclass::test {

/// Runs `work`, which must throw DeviceError of this fault with every word in its message.
template <class Work>
void check_throws(cuda::Fault fault, const std::vector<std::string>& words, const Work& work) {
  try {
    work();
  } catch (const cuda::DeviceError& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(error.fault() == fault);
    for (const std::string& word : words) {
      INFO(word);
      CHECK(message.find(word) != std::string::npos);
    }
    return;
  }
  FAIL("no DeviceError was thrown");
}

}  // namespace maskclass::test
