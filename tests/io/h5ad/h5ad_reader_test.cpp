#include "engine/io/h5ad/h5ad_reader.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/io/h5ad/h5ad_fixtures.h"

using namespace maskclass;
using namespace maskclass::io;
using namespace maskclass::io::test;

namespace {

ReadOptions layer(const std::string& name) {
  ReadOptions options;
  options.layer = name;
  options.n_threads = 2;
  return options;
}

void check_is_expected(const Dataset& dataset) {
  const CsrMatrix expected = expected_counts();
  CHECK(dataset.counts.n_cells == kCells);
  CHECK(dataset.counts.n_genes == kGenes);
  CHECK(dataset.counts.indptr == expected.indptr);
  CHECK(dataset.counts.indices == expected.indices);
  CHECK(dataset.counts.values == expected.values);
  CHECK(dataset.gene_names == expected_gene_names());
}

}  // namespace

TEST_CASE("every storage and number type gives the same counts, names and symbols") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const char* name : {"csr_float32", "csr_float64_gzip", "csr_int64", "csr_uint32", "csr_wide",
                           "csc_float32", "csc_int32_gzip", "dense_float32", "dense_float64_gzip",
                           "dense_int32", "csr_unsorted", "csr_stored_zeros"}) {
    CAPTURE(name);
    const Dataset dataset = read_h5ad(*folder / (std::string(name) + ".h5ad"), layer(""));
    check_is_expected(dataset);
    CHECK(dataset.cell_names == expected_cell_names());
    CHECK(dataset.matrix == "X");
    REQUIRE(dataset.gene_symbols.size() == kGenes);
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
      CHECK(dataset.gene_symbols[gene] == expected_symbol(gene));
    }
  }
}

TEST_CASE("names of fixed length are read") {
  const auto folder = fixtures();
  if (!folder) return;
  const Dataset dataset = read_h5ad(*folder / "fixed_names.h5ad", layer(""));
  REQUIRE(dataset.cell_names.size() == kCells);
  CHECK(dataset.cell_names.front() == "cell-a0");
  CHECK(dataset.cell_names.back() == "cell-a40");
  check_is_expected(dataset);
}

TEST_CASE("layers and raw are read where they are asked for") {
  const auto folder = fixtures();
  if (!folder) return;
  const Dataset counts = read_h5ad(*folder / "layer_counts.h5ad", layer("counts"));
  check_is_expected(counts);
  CHECK(counts.matrix == "layers/counts");
  // raw has all genes, X only some: the names must be raw's.
  const Dataset raw = read_h5ad(*folder / "raw.h5ad", layer("raw"));
  check_is_expected(raw);
  CHECK(raw.matrix == "raw/X");
  CHECK(raw.gene_symbols.size() == kGenes);
}

TEST_CASE("files of anndata 0.7 and of h5sparse are read") {
  const auto folder = fixtures();
  if (!folder) return;
  const Dataset dataset = read_h5ad(*folder / "old.h5ad", layer(""));
  check_is_expected(dataset);
  REQUIRE(dataset.gene_symbols.size() == kGenes);
  CHECK(dataset.gene_symbols[10] == expected_symbol(10));
  const std::string message = message_of([&] { read_h5ad(*folder / "compound.h5ad", layer("")); });
  CHECK(message.find("before 0.7") != std::string::npos);
}

TEST_CASE("values that are no counts are refused and the flag of the counts is named") {
  const auto folder = fixtures();
  if (!folder) return;
  const auto refusal = [&](const char* name, const std::string& chosen) {
    std::string message = message_of([&] { read_h5ad(*folder / name, layer(chosen)); });
    CAPTURE(message);
    CHECK(message.find("log-transformed") != std::string::npos);
    CHECK(message.find(name) != std::string::npos);
    return message;
  };
  CHECK(refusal("layer_counts.h5ad", "").find("--layer counts") != std::string::npos);
  CHECK(refusal("layer_odd_name.h5ad", "").find("--layer umi") != std::string::npos);
  CHECK(refusal("raw.h5ad", "").find("--layer raw") != std::string::npos);
  CHECK(refusal("log_only.h5ad", "").find("--layer") == std::string::npos);
}

TEST_CASE("values that are not whole are taken where that is asked for") {
  const auto folder = fixtures();
  if (!folder) return;
  ReadOptions options = layer("");
  options.allow_non_integer = true;
  const Dataset dataset = read_h5ad(*folder / "log_only.h5ad", options);
  const CsrMatrix expected = expected_counts();
  REQUIRE(dataset.counts.values.size() == expected.values.size());
  for (std::size_t k = 0; k < expected.values.size(); ++k) {
    // numpy's log1p of doubles, rounded to float32
    CHECK(dataset.counts.values[k] == static_cast<float>(std::log1p(double{expected.values[k]})));
  }
}

TEST_CASE("a layer that is not there is refused with those that are") {
  const auto folder = fixtures();
  if (!folder) return;
  const std::string message =
      message_of([&] { read_h5ad(*folder / "layer_counts.h5ad", layer("missing")); });
  CHECK(message.find("layers/missing") != std::string::npos);
  CHECK(message.find("layers/counts") != std::string::npos);
  CHECK(message.find("layers/other") != std::string::npos);
}

TEST_CASE("reading stops where the caller says so") {
  const auto folder = fixtures();
  if (!folder) return;
  Callbacks callbacks;
  callbacks.progress = [](const Progress&) { return false; };
  for (const char* name : {"csr_float32.h5ad", "csc_float32.h5ad", "dense_float32.h5ad"}) {
    try {
      read_h5ad(*folder / name, layer(""), callbacks);
      FAIL("was not stopped");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::cancelled);
    }
  }
}
