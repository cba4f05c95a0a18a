#include "engine/io/h5ad/h5ad_writer.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/h5ad/h5ad_result_reader.h"
#include "tests/io/h5ad/h5ad_fixtures.h"

using namespace maskclass;
using namespace maskclass::io;
using namespace maskclass::io::test;

namespace {

constexpr int kLatent = 3;

/// A result for every cell but each third, and every gene but each fourth.
struct Result {
  explicit Result(const std::filesystem::path& source, const std::string& matrix) {
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
      if (cell % 3 != 1) header.source_cells.push_back(cell);
    }
    std::vector<std::int32_t> genes;
    for (std::int64_t gene = 0; gene < kGenes; ++gene) {
      if (gene % 4 != 2) header.source_genes.push_back(gene);
    }
    genes.assign(header.source_genes.begin(), header.source_genes.end());
    counts = select(expected_counts().view(), header.source_cells, genes, 1);
    header.counts = counts.view();
    header.outputs.biozero = true;
    header.source = source;
    header.source_is_h5ad = source.extension() == ".h5ad";
    header.source_matrix = matrix;
    for (const std::int64_t cell : header.source_cells) {
      header.cell_names.push_back(expected_cell_name(cell));
      header.library_size.push_back(100.5 + static_cast<double>(cell));
    }
    for (const std::int64_t gene : header.source_genes) {
      header.gene_names.push_back(expected_gene_name(gene));
      header.gene_symbols.push_back(expected_symbol(gene));
      header.denoised.push_back(gene % 2 == 0);
      header.highly_variable.push_back(gene % 3 == 0);
      header.hvg_rank.push_back(gene % 3 == 0 ? static_cast<float>(gene) / 3 : NAN);
    }
    header.latent_width = kLatent;
    header.parameters_json =
        R"({"version": "0.1.0", "seed": 18446744073709551615, "epochs": 300, "lr": 0.0001,)"
        R"( "all_genes": true, "layer": "", "name": "α", "nothing": null})";
    header.history = {{"loss", {0.5, 0.25, 0.125}}, {"mask_loss", {1, 2, 3}}};
  }

  /// Writes blocks of `block` cells with the values of fixture_values.py.
  void write(const std::filesystem::path& path, std::int64_t block) const {
    const auto writer = open_h5ad_writer(path, header);
    const std::int64_t n_cells = counts.n_cells;
    const std::int64_t n_genes = counts.n_genes;
    for (std::int64_t first = 0; first < n_cells; first += block) {
      const std::int64_t n = std::min(block, n_cells - first);
      std::vector<float> log2;
      std::vector<float> denoised;
      std::vector<float> biozero;
      std::vector<float> latent;
      for (std::int64_t cell = first; cell < first + n; ++cell) {
        for (std::int64_t gene = 0; gene < n_genes; ++gene) {
          const auto i = static_cast<float>(cell);
          const auto j = static_cast<float>(gene);
          log2.push_back(i + j / 64);
          denoised.push_back(2 * i + j / 32);
          biozero.push_back(static_cast<float>(cell * gene % 5) / 8);
        }
        for (int k = 0; k < kLatent; ++k) {
          latent.push_back(static_cast<float>(cell) - static_cast<float>(k) / 4);
        }
      }
      writer->write({first, n, log2.data(), denoised.data(), latent.data(), biozero.data()});
    }
    writer->finish();
  }

  CsrMatrix counts;
  ResultHeader header;
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string quoted(const std::filesystem::path& path) {
  return "\"" + path.string() + "\"";
}

int files_in(const std::filesystem::path& folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("results open in anndata, with the columns of the source") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const auto& [source_name, matrix] : std::vector<std::pair<std::string, std::string>>{
           {"columns", "X"}, {"old", "X"}, {"csr_float32", "X"}, {"raw", "raw/X"}}) {
    const std::string& name = source_name;
    CAPTURE(name);
    const std::filesystem::path source = *folder / (name + ".h5ad");
    const std::filesystem::path path = *folder / ("result_" + name + ".h5ad");
    Result(source, matrix).write(path, 5);
    // The layout of old.h5ad is made by hand from columns.h5ad, whose content it shares.
    const std::filesystem::path same = name == "old" ? *folder / "columns.h5ad" : source;
    CHECK(check_passes("result " + quoted(path) + " " + quoted(same) + " " + matrix));
  }
}

TEST_CASE("results of a source that is no .h5ad have names and symbols") {
  const auto folder = fixtures();
  if (!folder) return;
  const std::filesystem::path path = *folder / "result_alone.h5ad";
  Result("counts.mtx", "").write(path, 7);
  CHECK(check_passes("result " + quoted(path)));
}

TEST_CASE("results are read back by our own reader") {
  const auto folder = fixtures();
  if (!folder) return;
  const Result result(*folder / "columns.h5ad", "X");
  const std::filesystem::path path = *folder / "result_read_back.h5ad";
  result.write(path, 4);
  const Dataset dataset = read_h5ad(path, {});
  CHECK(dataset.counts.indptr == result.counts.indptr);
  CHECK(dataset.counts.indices == result.counts.indices);
  CHECK(dataset.counts.values == result.counts.values);
  CHECK(dataset.cell_names == result.header.cell_names);
  CHECK(dataset.gene_names == result.header.gene_names);
  CHECK(dataset.gene_symbols == result.header.gene_symbols);

  const auto latent = open_h5ad_result(path, "obsm/X_maskclass");
  CHECK(latent->gene_names() == std::vector<std::string>{"0", "1", "2"});
  std::vector<float> row(kLatent);
  latent->read(9, 1, row.data());
  CHECK(row == std::vector<float>{9.0F, 8.75F, 8.5F});

  CHECK(read_h5ad_numbers(path, "obs", "maskclass_library_size") == result.header.library_size);
  CHECK(read_h5ad_parameter(path, "epochs") == "300");
  CHECK(read_h5ad_parameter(path, "seed") == "18446744073709551615");
  CHECK(read_h5ad_parameter(path, "lr") == "0.0001");
  CHECK(read_h5ad_parameter(path, "name") == "α");
  CHECK(read_h5ad_parameter(path, "layer") == "");
  CHECK(read_h5ad_parameter(path, "all_genes") == "true");
  CHECK(!read_h5ad_parameter(path, "nothing").has_value());
  CHECK(!read_h5ad_parameter(path, "not_carried").has_value());
}

TEST_CASE("the bytes depend neither on the time nor on the blocks") {
  const auto folder = fixtures();
  if (!folder) return;
  const Result result(*folder / "columns.h5ad", "X");
  result.write(*folder / "result_a.h5ad", 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // times are stored in seconds
  result.write(*folder / "result_b.h5ad", 27);
  CHECK(bytes_of(*folder / "result_a.h5ad") == bytes_of(*folder / "result_b.h5ad"));
}

TEST_CASE("a source that changed since it was read costs its columns, not the result") {
  const auto folder = fixtures();
  if (!folder) return;
  Result result(*folder / "columns.h5ad", "X");
  result.header.gene_names.front() = "another";
  const std::filesystem::path path = *folder / "result_changed.h5ad";
  result.write(path, 10);
  CHECK(read_h5ad_column(path, "obs", "text").size() == result.header.cell_names.size());
  CHECK_THROWS_AS(read_h5ad_column(path, "var", "length"), Error);
  CHECK(read_h5ad_column(path, "var", "gene_symbols") == result.header.gene_symbols);
}

TEST_CASE("a result that is not finished leaves nothing, and what stood there stays") {
  const auto folder = fixtures();
  if (!folder) return;
  const std::filesystem::path target = *folder / "unfinished";
  std::filesystem::create_directory(target);
  std::ofstream(target / "result.h5ad") << "before";
  const Result result(*folder / "columns.h5ad", "X");
  {
    const auto writer = open_h5ad_writer(target / "result.h5ad", result.header);
    CHECK(files_in(target) == 2);
    CHECK_THROWS_AS(writer->finish(), Error);  // no cell was written
    CHECK_THROWS_AS(writer->write({1, 1}), Error);
    CHECK_THROWS_AS(writer->write({0, 1}), Error);
  }
  CHECK(files_in(target) == 1);
  CHECK(bytes_of(target / "result.h5ad") == "before");
  CHECK_THROWS_AS(open_h5ad_writer(target / "none" / "result.h5ad", result.header), Error);
  Result broken = result;
  broken.header.parameters_json = "no JSON";
  CHECK_THROWS_AS(open_h5ad_writer(target / "result.h5ad", broken.header), Error);
  CHECK(files_in(target) == 1);
}

TEST_CASE("counts are written as an input, and read back") {
  const auto folder = fixtures();
  if (!folder) return;
  Dataset dataset;
  dataset.counts = expected_counts();
  dataset.cell_names = expected_cell_names();
  dataset.gene_names = expected_gene_names();
  for (std::int64_t gene = 0; gene < kGenes; ++gene)
    dataset.gene_symbols.push_back(expected_symbol(gene));
  CellColumn group{"group", {}};
  for (std::int64_t cell = 0; cell < kCells; ++cell)
    group.values.push_back("group" + std::to_string(cell % 3));
  const std::filesystem::path path = *folder / "counts.h5ad";
  write_h5ad_counts(path, dataset, {group});
  CHECK(check_passes("counts " + quoted(path)));
  const Dataset back = read_h5ad(path, {});
  CHECK(back.counts.values == dataset.counts.values);
  CHECK(back.counts.indices == dataset.counts.indices);
  CHECK(back.gene_symbols == dataset.gene_symbols);
  CHECK(read_h5ad_column(path, "obs", "group") == group.values);
}

TEST_CASE("empty matrices are written and read") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const auto& [n_cells, n_genes] : {std::pair{0, 0}, std::pair{3, 0}, std::pair{0, 4}}) {
    Dataset dataset;
    dataset.counts.n_cells = n_cells;
    dataset.counts.n_genes = n_genes;
    dataset.counts.indptr.assign(n_cells + 1, 0);
    dataset.cell_names.assign(n_cells, "cell");
    dataset.gene_names.assign(n_genes, "gene");
    const std::filesystem::path path = *folder / "no_counts.h5ad";
    write_h5ad_counts(path, dataset, {});
    CHECK(check_passes("opens " + quoted(path)));
    const Dataset back = read_h5ad(path, {});
    CHECK(back.counts.n_cells == n_cells);
    CHECK(back.counts.n_genes == n_genes);
    CHECK(back.counts.values.empty());
  }
}
