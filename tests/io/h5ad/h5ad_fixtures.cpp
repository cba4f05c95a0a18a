#include "tests/io/h5ad/h5ad_fixtures.h"

#include <algorithm>
#include <cstdlib>

namespace maskclass::io::test {
namespace {

const std::string kScripts = std::string(MASKCLASS_SOURCE_DIR) + "/tests/io/h5ad/";

bool run_python(const std::string& arguments) {
  const std::string command =
      std::string("PYTHONDONTWRITEBYTECODE=1 \"") + MASKCLASS_PYTHON + "\" " + arguments;
  return std::system(command.c_str()) == 0;  // NOLINT(cert-env33-c): the tests' own command
}

std::optional<std::filesystem::path> make_fixtures() {
  if (!run_python("-c 'import anndata, h5py' 2>/dev/null")) {
    MESSAGE("skipped: " << MASKCLASS_PYTHON << " has no anndata to make and check .h5ad files");
    return std::nullopt;
  }
  const std::filesystem::path folder = MASKCLASS_TEST_FOLDER;
  std::filesystem::remove_all(folder);
  REQUIRE(run_python("\"" + kScripts + "make_fixtures.py\" \"" + folder.string() + "\""));
  return folder;
}

}  // namespace

float expected_count(std::int64_t cell, std::int64_t gene) {
  if (cell == 7 || gene == 5) return 0;
  if (cell == 0 && gene == 0) return 16777216.0F;
  return static_cast<float>(
      std::max<std::int64_t>(0, (cell * cell + 3 * gene + cell * gene) % 7 - 3));
}
std::string expected_cell_name(std::int64_t cell) {
  return "cell-α" + std::to_string(cell);
}
std::string expected_gene_name(std::int64_t gene) {
  return "gene " + std::to_string(gene);
}
std::string expected_symbol(std::int64_t gene) {
  return std::string("S").append(std::to_string(gene % 9));
}

CsrMatrix expected_counts() {
  CsrMatrix matrix{kCells, kGenes, {0}, {}, {}};
  for (std::int64_t cell = 0; cell < kCells; ++cell) {
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
      const float count = expected_count(cell, gene);
      if (count == 0) continue;
      matrix.indices.push_back(static_cast<std::int32_t>(gene));
      matrix.values.push_back(count);
    }
    matrix.indptr.push_back(static_cast<std::int64_t>(matrix.values.size()));
  }
  return matrix;
}

std::vector<std::string> expected_cell_names() {
  std::vector<std::string> names;
  names.reserve(kCells);
  for (std::int64_t cell = 0; cell < kCells; ++cell) names.push_back(expected_cell_name(cell));
  return names;
}
std::vector<std::string> expected_gene_names() {
  std::vector<std::string> names;
  names.reserve(kGenes);
  for (std::int64_t gene = 0; gene < kGenes; ++gene) names.push_back(expected_gene_name(gene));
  return names;
}

std::optional<std::filesystem::path> fixtures() {
  static const std::optional<std::filesystem::path> folder = make_fixtures();
  return folder;
}

bool check_passes(const std::string& arguments) {
  return run_python("\"" + kScripts + "check_h5ad.py\" " + arguments);
}

}  // namespace maskclass::io::test
