#include "engine/matrix/large_array.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <utility>

#include "engine/matrix/csr.h"

namespace {

using maskclass::LargeArray;
using maskclass::LargeArrayAllocator;
using maskclass::Place;

constexpr std::size_t kLeastInFile = maskclass::large_array::kLeastFileBytes / sizeof(int);

LargeArray<int> counting(std::size_t n) {
  LargeArray<int> array{LargeArrayAllocator<int>(Place::file_if_large)};
  array.resize(n);
  std::iota(array.begin(), array.end(), 0);
  return array;
}

bool counts(const LargeArray<int>& array) {
  for (std::size_t k = 0; k < array.size(); ++k) {
    if (array[k] != static_cast<int>(k)) return false;
  }
  return true;
}

/// Sets TMPDIR for a time.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const char* folder) {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    setenv("TMPDIR", folder, 1);
  }
  ~TemporaryFolder() {
    if (before_.empty()) {
      unsetenv("TMPDIR");
    } else {
      setenv("TMPDIR", before_.c_str(), 1);
    }
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("only a large array that may goes to a file") {
  CHECK_FALSE(counting(kLeastInFile - 1).get_allocator().in_file());
  CHECK(counting(kLeastInFile).get_allocator().in_file());
  CHECK_FALSE(LargeArray<int>(kLeastInFile).get_allocator().in_file());
}

TEST_CASE("values stay when their memory is given back, when an array grows, moves, is copied") {
  LargeArray<int> array = counting(kLeastInFile + 12345);
  maskclass::large_array::give_back(array.data(), array.data() + array.size());
  CHECK(counts(array));

  const std::size_t before = array.size();
  array.resize(2 * before);
  std::iota(array.begin() + static_cast<std::ptrdiff_t>(before), array.end(),
            static_cast<int>(before));
  CHECK(array.get_allocator().in_file());
  maskclass::large_array::give_back(array.data() + 100, array.data() + before);
  CHECK(counts(array));

  const LargeArray<int> copy = array;
  CHECK_FALSE(copy.get_allocator().in_file());
  CHECK(counts(copy));

  LargeArray<int> moved;
  moved = std::move(array);
  CHECK(moved.get_allocator().in_file());
  CHECK(counts(moved));
}

TEST_CASE("an array grows from memory into a file") {
  LargeArray<int> array = counting(1000);
  CHECK_FALSE(array.get_allocator().in_file());
  while (array.size() < kLeastInFile) array.push_back(static_cast<int>(array.size()));
  CHECK(array.get_allocator().in_file());
  CHECK(counts(array));
}

TEST_CASE("where no file can be made, memory serves") {
  const TemporaryFolder nowhere("/nonexistent");
  const LargeArray<int> array = counting(kLeastInFile);
  CHECK_FALSE(array.get_allocator().in_file());
  CHECK(counts(array));
}

TEST_CASE("where files may not be large, memory serves") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit low{1 << 20, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  const LargeArray<int> array = counting(kLeastInFile);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_FALSE(array.get_allocator().in_file());
  CHECK(counts(array));
}

TEST_CASE("a matrix in a file gives the same parts as one in memory") {
  constexpr std::int64_t n_cells = 5000;
  constexpr std::int32_t n_genes = 8000;
  constexpr std::int32_t stride = 2;
  maskclass::CsrMatrix in_file = maskclass::matrix_in_file(n_cells, n_genes);
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (auto gene = static_cast<std::int32_t>(cell % stride); gene < n_genes; gene += stride) {
      in_file.indices.push_back(gene);
      in_file.values.push_back(static_cast<float>(1 + (cell + gene) % 7));
    }
    in_file.indptr.push_back(static_cast<std::int64_t>(in_file.indices.size()));
  }
  const maskclass::CsrMatrix in_memory = in_file;
  REQUIRE(in_file.view().in_file);
  REQUIRE_FALSE(in_memory.view().in_file);
  maskclass::check_csr(in_file.view(), 2);

  const std::vector<std::int64_t> cells{0, 7, 1023, 1024, 4999};
  const std::vector<std::int32_t> genes{1, 2, 3, 7000};
  const auto from_file = maskclass::select(in_file.view(), cells, genes, 2);
  const auto from_memory = maskclass::select(in_memory.view(), cells, genes, 2);
  CHECK(from_file.indptr == from_memory.indptr);
  CHECK(from_file.indices == from_memory.indices);
  CHECK(from_file.values == from_memory.values);
  CHECK(in_file.values == in_memory.values);
}
