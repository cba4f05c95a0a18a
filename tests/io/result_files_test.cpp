#include <cstdlib>
#include <cstring>
#include <random>

#include "engine/io/counts_writer.h"
#include "engine/io/reader.h"
#include "engine/io/result_reader.h"
#include "engine/io/result_writer.h"
#include "engine/io/text/text_output.h"
#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::Dataset;
using maskclass::io::open_result;
using maskclass::io::open_result_writer;
using maskclass::io::read_counts;
using maskclass::io::ResultBlock;
using maskclass::io::ResultHeader;
using maskclass::io::ResultReader;
using maskclass::io::write_counts;
using maskclass::test::check_error;
using maskclass::test::content;
using maskclass::test::Scratch;

namespace {

using Names = std::vector<std::string>;
constexpr std::int64_t kCells = 7;
constexpr std::int64_t kGenes = 5;
constexpr std::int64_t kLatent = 3;

/// A result of random floats, a third of them zero, some of them whole or tiny.
struct Result {
  ResultHeader header;
  std::vector<float> log2, counts, biozero, latent;

  Result() {
    for (int k = 0; k < kCells; ++k) header.cell_names.push_back("AAACATAC" + std::to_string(k));
    header.gene_names = {"ACTB", "HLA,A", "5\"x", "MT-ND1", "g 5"};
    header.gene_symbols = {"a", "b", "c", "d", "e"};
    header.latent_width = kLatent;
    header.outputs = {true, true, true, true};
    std::mt19937 random(3);
    for (auto* values : {&log2, &counts, &biozero, &latent}) {
      const std::int64_t width = values == &latent ? kLatent : kGenes;
      for (std::int64_t k = 0; k < kCells * width; ++k) {
        const float value = std::ldexp(static_cast<float>(random()), -static_cast<int>(k % 50));
        values->push_back(random() % 3 == 0 ? 0.0f : values == &latent ? -value : value);
      }
    }
  }

  /// Writes all of it in blocks of three cells.
  void write(const std::filesystem::path& path) const {
    const auto writer = open_result_writer(path, header);
    for (std::int64_t first = 0; first < kCells; first += 3) {
      ResultBlock block;
      block.first_cell = first;
      block.n_cells = std::min<std::int64_t>(3, kCells - first);
      block.log2 = log2.data() + first * kGenes;
      block.counts = counts.data() + first * kGenes;
      block.biozero = biozero.data() + first * kGenes;
      block.latent = latent.data() + first * kLatent;
      writer->write(block);
    }
    writer->finish();
  }
};

/// All of a matrix, read in blocks of two cells.
std::vector<float> read_all(ResultReader& reader) {
  const auto n_cells = static_cast<std::int64_t>(reader.cell_names().size());
  const auto n_genes = static_cast<std::int64_t>(reader.gene_names().size());
  std::vector<float> values(n_cells * n_genes, -1);
  for (std::int64_t first = 0; first < n_cells; first += 2) {
    reader.read(first, std::min<std::int64_t>(2, n_cells - first), values.data() + first * n_genes);
  }
  return values;
}

void check_result(const std::filesystem::path& path, const std::string& name, const Names& cells,
                  const Names& genes, const std::vector<float>& values) {
  INFO(path.string(), " ", name);
  const auto reader = open_result(path, name);
  CHECK(reader->cell_names() == cells);
  CHECK(reader->gene_names() == genes);
  CHECK(read_all(*reader) == values);
}

const Names kLatentNames = {"latent0", "latent1", "latent2"};

}  // namespace

TEST_CASE("every text format brings back names and the same floats") {
  const Scratch scratch;
  const Result result;
  const Names& cells = result.header.cell_names;
  const Names& genes = result.header.gene_names;
  for (const std::string ending : {".csv", ".tsv.gz", ".npy", ".mtx", ".mtx.gz"}) {
    result.write(scratch / ("out" + ending));
    check_result(scratch / ("out.log2" + ending), "", cells, genes, result.log2);
    check_result(scratch / ("out.counts" + ending), "", cells, genes, result.counts);
    check_result(scratch / ("out.biozero" + ending), "", cells, genes, result.biozero);
    const std::string table = ending == ".mtx" ? ".tsv" : ending == ".mtx.gz" ? ".tsv.gz" : ending;
    check_result(scratch / ("out.latent" + table), "", cells, kLatentNames, result.latent);
  }
}

TEST_CASE("a single output has the name that was asked for") {
  const Scratch scratch;
  Result result;
  result.header.outputs = {true, false, false, false};
  for (const std::string ending : {".csv", ".npy", ".mtx.gz"}) {
    result.write(scratch / ("one" + ending));
    check_result(scratch / ("one" + ending), "", result.header.cell_names, result.header.gene_names,
                 result.log2);
  }
  result.header.outputs = {false, false, true, false};
  result.write(scratch / "latent.npy");
  check_result(scratch / "latent.npy", "", result.header.cell_names, kLatentNames, result.latent);
  check_error(ErrorKind::usage, {"latent"}, [&] { result.write(scratch / "latent.mtx"); });
}

TEST_CASE("a folder of Matrix Market files is read by the names of .h5ad too, and replaced whole") {
  const Scratch scratch;
  Result result;
  result.write(scratch / "results/");
  const Names& cells = result.header.cell_names;
  const Names& genes = result.header.gene_names;
  check_result(scratch / "results", "", cells, genes, result.log2);
  check_result(scratch / "results", "layers/maskclass", cells, genes, result.log2);
  check_result(scratch / "results", "layers/denoised", cells, genes, result.counts);
  check_result(scratch / "results", "biozero", cells, genes, result.biozero);
  check_result(scratch / "results", "obsm/X_maskclass", cells, kLatentNames, result.latent);
  check_error(ErrorKind::data, {"nor a folder nothing"},
              [&] { open_result(scratch / "results", "nothing"); });

  result.header.outputs = {false, true, false, false};
  result.write(scratch / "results");
  check_result(scratch / "results", "counts", cells, genes, result.counts);
  CHECK(!std::filesystem::exists(scratch / "results/log2"));
  CHECK(scratch.listing() == Names{"results"});
}

TEST_CASE("a job that stops leaves nothing") {
  const Scratch scratch;
  const Result result;
  for (const std::string name : {"out.csv", "out.npy", "out.mtx.gz", "results"}) {
    const auto writer = open_result_writer(scratch / name, result.header);
    CHECK(!scratch.listing().empty());
  }
  CHECK(scratch.listing().empty());
}

TEST_CASE("outputs that cannot be written are refused when opened") {
  const Scratch scratch;
  Result result;
  const auto open = [&](const std::string& name) {
    return [&scratch, &result, name] { open_result_writer(scratch / name, result.header); };
  };
  check_error(ErrorKind::usage, {"out.xlsx", ".h5ad"}, open("out.xlsx"));
  check_error(ErrorKind::data, {"does not exist"}, open("missing/out.csv"));
  result.header.cell_names[1] = "two\tfields";
  check_error(ErrorKind::data, {"two\tfields"}, open("out.csv"));
  check_error(ErrorKind::data, {"two\tfields"}, open("results"));
  CHECK(scratch.listing().empty());
}

TEST_CASE("a full disk is an error that names the file") {
  if (!std::filesystem::exists("/dev/full")) return;
  for (const bool gzip : {false, true}) {
    check_error(ErrorKind::data, {"out.csv", "No space left"}, [&] {
      maskclass::io::TextOutput out("/dev/full", "out.csv", gzip);
      out.write("text");
      out.close();
    });
  }
}

TEST_CASE("counts written as a 10x folder come back") {
  const Scratch scratch;
  Dataset dataset;
  dataset.cell_names = {"AAAC-1", "AAAG-1", "AAAT-1"};
  dataset.gene_names = {"ENSG01", "ENSG02"};
  dataset.gene_symbols = {"A", "B"};
  dataset.counts = {3, 2, {0, 1, 1, 3}, {1, 0, 1}, {16777216, 1, 1000000}};
  write_counts(scratch / "sim", dataset, {{"group", {"g1", "g2", "g\"3"}}});
  const Dataset again = read_counts(scratch / "sim", {});
  CHECK(again.cell_names == dataset.cell_names);
  CHECK(again.gene_names == dataset.gene_names);
  CHECK(again.gene_symbols == dataset.gene_symbols);
  CHECK(again.counts.indptr == dataset.counts.indptr);
  CHECK(again.counts.indices == dataset.counts.indices);
  CHECK(again.counts.values == dataset.counts.values);
  CHECK(std::filesystem::exists(scratch / "sim/cells.tsv.gz"));
  check_error(ErrorKind::usage, {"10x folder"}, [&] { write_counts(scratch / "a.csv", dataset); });
}

TEST_CASE("other programs read what was written") {
  const Scratch scratch;
  Result result;
  result.header.outputs = {true, false, false, false};
  result.write(scratch / "out.npy");
  result.write(scratch / "out.mtx.gz");
  result.write(scratch / "plain.mtx");
  result.write(scratch / "out.csv");
  const std::string script = R"(
import sys
try:
    import numpy, scipy.io, pandas
except ImportError:
    sys.exit(77)
folder = sys.argv[1]
npy = numpy.load(folder + '/out.npy')
assert npy.shape == (7, 5) and npy.dtype == numpy.float32
for name in ('/out.mtx.gz', '/plain.mtx'):
    mtx = scipy.io.mmread(folder + name).toarray().T.astype('f4')
    assert (mtx == npy).all(), name
table = pandas.read_csv(folder + '/out.csv', index_col=0, float_precision='round_trip')
assert list(table.columns) == ['ACTB', 'HLA,A', '5"x', 'MT-ND1', 'g 5']
assert (table.to_numpy().astype('f4') == npy).all()
)";
  scratch.file("check.py", script);
  const std::string command = "/usr/bin/python3 '" + (scratch / "check.py").string() + "' '" +
                              scratch.path().string() + "'";
  const int status = std::system(command.c_str());
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)) {
    MESSAGE("skipped: python3 with numpy, scipy and pandas is not here");
    return;
  }
  CHECK(status == 0);
  std::vector<float> values(kCells * kGenes);
  const std::string npy = content(scratch / "out.npy");
  REQUIRE(npy.size() == 128 + 4 * values.size());
  std::memcpy(values.data(), npy.data() + 128, 4 * values.size());
  CHECK(values == result.log2);
}

TEST_CASE("numpy files that are not read") {
  const Scratch scratch;
  const auto refused = [&](const std::string& dictionary, const std::string& data,
                           const std::vector<std::string>& parts) {
    std::string file = std::string("\x93NUMPY\x01\x00", 8);
    file += static_cast<char>(dictionary.size());
    file += '\0';
    const auto path = scratch.file("a.npy", file + dictionary + data);
    INFO(dictionary);
    check_error(ErrorKind::data, parts, [&] { open_result(path, ""); });
  };
  const std::string f4 = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  refused(f4 + "(2, 3), }\n", std::string(23, 'x'), {"a.npy", "truncated", "2 x 3"});
  refused(f4 + "(2,), }\n", std::string(8, 'x'), {"two dimensions"});
  refused(f4 + "(0, 3), }\n", "", {"no values"});
  refused(f4 + "(999999999999999, 999999999999999), }\n", "xxxx", {"truncated"});
  refused("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1), }\n", std::string(8, 'x'),
          {"float32"});
  refused("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }\n", std::string(4, 'x'),
          {"columns"});
  check_error(ErrorKind::data, {"not a numpy file"},
              [&] { open_result(scratch.file("b.npy", "hello, world"), ""); });
  check_error(ErrorKind::data, {"is empty"}, [&] { open_result(scratch.file("c.npy", ""), ""); });
}
