#include <doctest/doctest.h>

#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/h5ad/h5ad_result_reader.h"
#include "tests/io/h5ad/h5ad_fixtures.h"

using namespace maskclass;
using namespace maskclass::io;
using namespace maskclass::io::test;

namespace {

struct Case {
  const char* name;
  std::vector<const char*> words;  ///< What the message must hold.
};

}  // namespace

TEST_CASE("damaged and foreign files are refused with a message that says what and where") {
  const auto folder = fixtures();
  if (!folder) return;
  // The fourth stored value (3) of the fixture belongs to the first cell, or gene.
  const std::vector<Case> cases = {
      {"gene_out_of_range", {"cell-α0", "gene number 29", "there are 29"}},
      {"gene_negative", {"cell-α0", "gene number -1"}},
      {"cell_out_of_range", {"gene 0", "cell number 41"}},
      {"gene_twice", {"cell-α0", "gene 0", "twice"}},
      {"indptr_falls", {"X/indptr", "cell-α3"}},
      {"indptr_beyond", {"X/indptr", "cell-α3", "1000000"}},
      {"indptr_start", {"X/indptr", "start at 0"}},
      {"indptr_short", {"X/indptr", "41 entries", "42"}},
      {"indptr_end", {"X/indptr", "ends at"}},
      {"indices_short", {"values but", "indices"}},
      {"obs_short", {"40 cells", "41 x 29"}},
      {"dense_obs_short", {"40 cells", "41 x 29"}},
      {"symbols_short", {"28 symbols", "29 genes"}},
      {"code_beyond", {"gene_symbols", "code 100"}},
      {"text_matrix", {"does not hold numbers"}},
      {"nan", {"NaN", "cell-α0"}},
      {"negative", {"negative", "cell-α0"}},
      {"too_large", {"2^24", "cell-α0"}},
      {"too_large_dense", {"2^24", "cell-α1", "gene 2"}},
      {"no_x", {"has no X"}},
      {"no_indices", {"indices", "missing"}},
      {"no_encoding", {"which kind of matrix"}},
      {"unknown_encoding", {"coo_matrix", "csr_matrix"}},
      {"no_index", {"obs", "no index"}},
      {"huge", {"X: claims more values"}},
      {"huge_indptr", {"X/indptr: claims more values"}},
      {"truncated", {"truncated"}},
      {"text", {"not an HDF5 file"}},
      {"empty", {"empty"}},
      {"folder", {"folder"}},
      {"cell_ranger", {"10x HDF5"}},
      {"other", {"no obs and var"}},
      {"missing", {"no such file"}},
  };
  for (const auto& [name, words] : cases) {
    const std::string file = std::string("bad_") + name + ".h5ad";
    const std::string message = message_of([&] { read_h5ad(*folder / file, {}); });
    CAPTURE(message);
    CHECK(message.find(file) != std::string::npos);
    for (const char* word : words) CHECK_MESSAGE(message.find(word) != std::string::npos, word);
  }
}

TEST_CASE("a result reader refuses damaged files too") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const char* name : {"indptr_falls", "indptr_beyond", "obs_short", "truncated", "huge"}) {
    const std::string file = std::string("bad_") + name + ".h5ad";
    const std::string message = message_of([&] { open_h5ad_result(*folder / file, "X"); });
    CHECK(message.find(file) != std::string::npos);
  }
  const auto reader = open_h5ad_result(*folder / "bad_gene_out_of_range.h5ad", "X");
  std::vector<float> cells(kCells * kGenes);
  const std::string message = message_of([&] { reader->read(0, kCells, cells.data()); });
  CHECK(message.find("gene number 29") != std::string::npos);
}

TEST_CASE("a file cut at any length is refused or read right, never a crash") {
  const auto folder = fixtures();
  if (!folder) return;
  const std::filesystem::path cut = *folder / "cut.h5ad";
  const auto size =
      static_cast<std::int64_t>(std::filesystem::file_size(*folder / "csr_float32.h5ad"));
  for (std::int64_t length = size - 1; length > 0; length -= 997) {
    std::filesystem::copy_file(*folder / "csr_float32.h5ad", cut,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, length);
    const std::string message = message_of([&] { read_h5ad(cut, {}); });
    CHECK(message.find("cut.h5ad") != std::string::npos);
  }
}
