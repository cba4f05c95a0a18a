#include "tests/preprocess/shared_data.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace maskclass::test {
namespace fs = std::filesystem;

std::optional<fs::path> shared_folder() {
  const char* named = std::getenv("MASKCLASS_SHARED");
  const fs::path folder =
      named != nullptr ? fs::path(named) : fs::path(MASKCLASS_SOURCE_DIR "/../shared");
  if (fs::is_directory(folder)) return folder;
  return std::nullopt;
}

std::vector<std::string> read_gzipped_lines(const fs::path& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::vector<std::string> lines;
  std::array<char, 65536> buffer;
  while (gzgets(file.get(), buffer.data(), buffer.size()) != nullptr) {
    std::string line = buffer.data();
    if (!line.empty() && line.back() == '\n') line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

CsrMatrix read_10x_counts(const fs::path& folder) {
  struct Entry {
    std::int64_t cell;
    std::int32_t gene;
    float count;
  };
  const std::vector<std::string> lines = read_gzipped_lines(folder / "matrix.mtx.gz");
  std::size_t at = 0;
  while (lines.at(at).starts_with('%')) ++at;
  CsrMatrix matrix;
  std::istringstream sizes(lines[at]);
  sizes >> matrix.n_genes >> matrix.n_cells;
  std::vector<Entry> entries;
  for (++at; at < lines.size(); ++at) {
    char* next = nullptr;
    const std::int64_t gene = std::strtol(lines[at].c_str(), &next, 10);
    const std::int64_t cell = std::strtol(next, &next, 10);
    const float count = std::strtof(next, nullptr);
    if (count != 0) entries.push_back({cell - 1, static_cast<std::int32_t>(gene - 1), count});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.cell != b.cell ? a.cell < b.cell : a.gene < b.gene;
  });
  matrix.indptr.assign(matrix.n_cells + 1, 0);
  for (const Entry& entry : entries) {
    ++matrix.indptr[entry.cell + 1];
    matrix.indices.push_back(entry.gene);
    matrix.values.push_back(entry.count);
  }
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    matrix.indptr[cell + 1] += matrix.indptr[cell];
  }
  return matrix;
}

}  // namespace maskclass::test
