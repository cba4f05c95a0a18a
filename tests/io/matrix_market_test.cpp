#include "engine/io/text/matrix_market_reader.h"

#include <algorithm>
#include <random>

#include "engine/io/text/matrix_market_file.h"
#include "tests/io/scratch.h"

using maskclass::CsrMatrix;
using maskclass::ErrorKind;
using maskclass::io::Dataset;
using maskclass::io::MatrixMarketFile;
using maskclass::io::Orientation;
using maskclass::io::read_counts;
using maskclass::io::ReadOptions;
using maskclass::test::check_error;
using maskclass::test::gzip;
using maskclass::test::Log;
using maskclass::test::Scratch;

namespace {

const std::string kBanner = "%%MatrixMarket matrix coordinate integer general\n";

std::vector<float> dense(const CsrMatrix& matrix) {
  std::vector<float> values(matrix.n_cells * matrix.n_genes);
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    std::int32_t before = -1;
    for (std::int64_t k = matrix.indptr[cell]; k < matrix.indptr[cell + 1]; ++k) {
      REQUIRE(matrix.indices[k] > before);
      before = matrix.indices[k];
      REQUIRE(matrix.values[k] != 0);
      values[cell * matrix.n_genes + matrix.indices[k]] = matrix.values[k];
    }
  }
  return values;
}

CsrMatrix read_text(const std::string& text, bool genes_are_rows = true) {
  const Scratch scratch;
  return MatrixMarketFile(scratch.file("m.mtx", text)).read(genes_are_rows, {});
}

void check_refused(const std::string& text, const std::vector<std::string>& parts) {
  INFO("file: ", text);
  check_error(ErrorKind::data, parts, [&] { read_text(text); });
}

/// 3 genes x 2 cells with the usual names.
Scratch& tenx(Scratch& scratch) {
  scratch.file("matrix.mtx", kBanner + "3 2 4\n1 1 5\n3 1 7\n2 2 1\n3 2 2\n");
  scratch.file("features.tsv",
               "ENSG01\tA\tGene Expression\nENSG02\tB\tGene Expression\n"
               "ENSG03\tC\tGene Expression\n");
  scratch.file("barcodes.tsv", "AAAC-1\nAAAG-1\n");
  return scratch;
}

}  // namespace

TEST_CASE("entries in any order give the same matrix") {
  constexpr std::size_t n_genes = 37;
  constexpr std::size_t n_cells = 53;
  std::mt19937 random(1);
  std::vector<float> truth(n_cells * n_genes);
  struct Line {
    std::size_t gene;
    std::size_t cell;
    std::string text;
  };
  std::vector<Line> lines;
  for (std::size_t cell = 0; cell < n_cells; ++cell) {
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      if (random() % 3 != 0 || cell == 0 || cell == 20 || cell == n_cells - 1) continue;
      const int value = static_cast<int>(random() % 1000);  // Zeros too: they are dropped.
      truth[cell * n_genes + gene] = static_cast<float>(value);
      lines.push_back({gene, cell, ""});
      lines.back().text = std::to_string(gene + 1) + " " + std::to_string(cell + 1) + " " +
                          std::to_string(value) + "\n";
    }
  }
  const auto text_of = [&] {
    std::string text = kBanner + "37 53 " + std::to_string(lines.size()) + "\n";
    for (const Line& line : lines) text += line.text;
    return text;
  };
  SUBCASE("cell by cell") {}
  SUBCASE("cell by cell, genes descending") {
    std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
      return std::pair(a.cell, b.gene) < std::pair(b.cell, a.gene);
    });
  }
  SUBCASE("gene by gene") {
    std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
      return std::pair(a.gene, a.cell) < std::pair(b.gene, b.cell);
    });
  }
  SUBCASE("shuffled") {
    std::shuffle(lines.begin(), lines.end(), random);
  }
  SUBCASE("descending") {
    std::reverse(lines.begin(), lines.end());
  }
  SUBCASE("one out of order") {
    std::swap(lines.front(), lines.back());
  }
  const CsrMatrix matrix = read_text(text_of());
  CHECK(matrix.n_cells == n_cells);
  CHECK(matrix.n_genes == n_genes);
  CHECK(dense(matrix) == truth);
}

TEST_CASE("spellings that the format allows") {
  const std::vector<float> wanted = {2.5f, 0, 0, 1e3f};
  CHECK(dense(read_text("%%matrixmarket MATRIX Coordinate REAL General\n%comment\n%\n\n"
                        "  2\t2   2  \n 1  1   2.5 \n\n2\t2\t+1e3\n\n")) == wanted);
  CHECK(dense(read_text("%%MatrixMarket matrix coordinate real general\r\n2 2 2\r\n"
                        "1 1 2.5\r\n2 2 1000")) == wanted);
  CHECK(dense(read_text(kBanner + "2 2 1\n2 1 9\n", false)) == std::vector<float>{0, 0, 9, 0});
}

TEST_CASE("values are rounded to the nearest float and never into the range of counts") {
  const auto value = [](const std::string& text) {
    return read_text(kBanner + "1 1 1\n1 1 " + text + "\n").values.at(0);
  };
  CHECK(value("16777216") == 16777216.0f);
  CHECK(value("16777217") > 16777216.0f);
  CHECK(value("999999999999999999999") == 1e21f);
  CHECK(value("0.1") == 0.1f);
  CHECK(value("4.3739") == 4.3739f);
  CHECK(std::isinf(value("1e60")));
  CHECK(std::isinf(value("1e999")));
  CHECK(std::isnan(value("nan")));
  CHECK(read_text(kBanner + "1 1 1\n1 1 1e-999\n").values.empty());
}

TEST_CASE("headers that are not read") {
  check_refused("hello\n1 1 1\n", {"m.mtx:1", "%%MatrixMarket"});
  check_refused("%%MatrixMarket matrix array real general\n2 2\n", {"m.mtx:1", "array"});
  check_refused("%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1\n", {"pattern"});
  check_refused("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n", {"complex"});
  check_refused("%%MatrixMarket matrix coordinate real symmetric\n1 1 1\n1 1 1\n", {"symmetric"});
  check_refused("%%MatrixMarket matrix coordinate real\n1 1 1\n1 1 1\n", {"m.mtx:1"});
  check_refused(kBanner, {"m.mtx", "ends before"});
  check_refused(kBanner + "% only comments\n", {"ends before"});
  check_refused(kBanner + "3 x 4\n", {"m.mtx:2", "'3 x 4'"});
  check_refused(kBanner + "3 2\n", {"m.mtx:2"});
  check_refused(kBanner + "-3 2 1\n", {"m.mtx:2"});
  check_refused(kBanner + "3 2 1 1\n", {"m.mtx:2"});
  check_refused(kBanner + "99999999999999999999999 2 1\n", {"m.mtx:2"});
  check_refused(kBanner + "3000000000 2 1\n1 1 1\n", {"m.mtx:2", "too large"});
  check_refused(kBanner + "0 2 0\n", {"m.mtx:2", "empty"});
  check_refused(kBanner + "2 2 5\n", {"m.mtx:2", "do not fit"});
}

TEST_CASE("a header that claims more than the file can hold takes no memory") {
  check_refused(kBanner + "2000000000 2000000000 1000000000000\n1 1 1\n",
                {"m.mtx:2", "1000000000000 entries", "can hold"});
  const Scratch scratch;
  const auto packed =
      scratch.file("m.mtx.gz", gzip(kBanner + "2000000000 2000000000 1000000000000\n1 1 1\n"));
  check_error(ErrorKind::data, {"can hold"}, [&] { MatrixMarketFile{packed}; });
  const auto wide = scratch.file("wide.mtx", kBanner + "2000000000 2000000000 1\n1 1 1\n");
  check_error(ErrorKind::data, {"wide.mtx:2", "not credible"}, [&] { read_counts(wide, {}); });
}

TEST_CASE("lines that are not entries") {
  const std::string head = kBanner + "% comment\n3 2 2\n1 1 5\n";
  check_refused(head + "x 1 1\n", {"m.mtx:5", "'x 1 1'"});
  check_refused(head + "1 2\n", {"m.mtx:5", "'1 2'"});
  check_refused(head + "1 2 3 4\n", {"m.mtx:5"});
  check_refused(head + "1 2 3x\n", {"m.mtx:5"});
  check_refused(head + "1.5 2 3\n", {"m.mtx:5"});
  check_refused(head + "\n% late\n", {"m.mtx:6"});
  check_refused(head + "4 1 1\n", {"m.mtx:5", "row 4", "1 to 3"});
  check_refused(head + "0 1 1\n", {"m.mtx:5", "row 0"});
  check_refused(head + "1 3 1\n", {"m.mtx:5", "column 3", "1 to 2"});
  check_refused(head + "99999999999999999999 1 1\n", {"m.mtx:5"});
  check_refused(head, {"m.mtx", "after 1 of the 2"});
  check_refused(head + "2 1 1\n3 1 1\n", {"m.mtx:6", "more entries than the 2", "line 3"});
}

TEST_CASE("an entry that stands twice is named with its line") {
  check_refused(kBanner + "3 2 3\n1 1 5\n2 1 5\n1 1 5\n", {"m.mtx:5", "row 1, column 1"});
  check_refused(kBanner + "3 2 3\n1 2 5\n3 1 5\n1 2 5\n", {"m.mtx:5", "row 1, column 2"});
  const Scratch scratch;
  const auto path = scratch.file("m.mtx", kBanner + "3 2 3\n1 2 5\n3 1 5\n1 2 5\n");
  check_error(ErrorKind::data, {"m.mtx:5", "row 1, column 2"},
              [&] { MatrixMarketFile(path).read(false, {}); });
}

TEST_CASE("a 10x folder, plain and gzip, of both generations") {
  Scratch scratch;
  tenx(scratch);
  SUBCASE("plain") {}
  SUBCASE("gzip") {
    for (const std::string name : {"matrix.mtx", "features.tsv", "barcodes.tsv"}) {
      scratch.file(name + ".gz", gzip(maskclass::test::content(scratch / name)));
      std::filesystem::remove(scratch / name);
    }
  }
  SUBCASE("genes.tsv") {
    std::filesystem::remove(scratch / "features.tsv");
    scratch.file("genes.tsv", "ENSG01\tA\nENSG02\tB\nENSG03\tC\n");
  }
  const Dataset dataset = read_counts(scratch.path(), {});
  CHECK(dataset.cell_names == std::vector<std::string>{"AAAC-1", "AAAG-1"});
  CHECK(dataset.gene_names == std::vector<std::string>{"ENSG01", "ENSG02", "ENSG03"});
  CHECK(dataset.gene_symbols == std::vector<std::string>{"A", "B", "C"});
  CHECK(dense(dataset.counts) == std::vector<float>{5, 0, 7, 0, 1, 2});
}

TEST_CASE("features of other types are left out and told of") {
  Scratch scratch;
  tenx(scratch).file("features.tsv",
                     "ENSG01\tA\tGene Expression\nCD3\tCD3\tAntibody Capture\n"
                     "ENSG03\tC\tGene Expression\n");
  Log log;
  const Dataset dataset = read_counts(scratch.path(), {}, log.callbacks());
  CHECK(dataset.gene_names == std::vector<std::string>{"ENSG01", "ENSG03"});
  CHECK(dataset.gene_symbols == std::vector<std::string>{"A", "C"});
  CHECK(dense(dataset.counts) == std::vector<float>{5, 7, 0, 2});
  CHECK(log.has("left out 1 of 'Antibody Capture'"));
}

TEST_CASE("the names decide which way a matrix lies") {
  Scratch scratch;
  tenx(scratch).file("matrix.mtx", kBanner + "2 3 4\n1 1 5\n1 3 7\n2 2 1\n2 3 2\n");
  Log log;
  CHECK(dense(read_counts(scratch.path(), {}, log.callbacks()).counts) ==
        std::vector<float>{5, 0, 7, 0, 1, 2});
  CHECK(log.has("cells x genes"));
  ReadOptions options;
  options.orientation = Orientation::genes_are_rows;
  check_error(ErrorKind::usage, {"--orientation"}, [&] { read_counts(scratch.path(), options); });
}

TEST_CASE("repeated gene names are kept and told of") {
  Scratch scratch;
  tenx(scratch).file("features.tsv", "A\tA\nB\tB\nA\tA\n");
  Log log;
  CHECK(read_counts(scratch.path(), {}, log.callbacks()).gene_names.size() == 3);
  CHECK(log.has("1 gene names"));
  CHECK(log.has("'A'"));
}

TEST_CASE("folders that are not complete") {
  Scratch scratch;
  const auto read = [&] { read_counts(scratch.path(), {}); };
  check_error(ErrorKind::data, {"no matrix.mtx"}, read);
  tenx(scratch);
  std::filesystem::remove(scratch / "barcodes.tsv");
  check_error(ErrorKind::data, {"no barcodes.tsv"}, read);
  scratch.file("barcodes.tsv", "AAAC-1\n");
  check_error(ErrorKind::data, {"3 x 2", "features.tsv has 3", "barcodes.tsv has 1"}, read);
  scratch.file("barcodes.tsv", "AAAC-1\n\nAAAG-1\n");
  check_error(ErrorKind::data, {"barcodes.tsv:2", "no name"}, read);
  tenx(scratch).file("features.tsv", "A\tA\tGene Expression\nB\nC\tC\tGene Expression\n");
  check_error(ErrorKind::data, {"features.tsv:2", "1 columns where line 1 has 3"}, read);
  std::filesystem::remove(scratch / "features.tsv");
  check_error(ErrorKind::data, {"neither features.tsv nor genes.tsv"}, read);
  const Scratch nested;
  nested.file("filtered/hg19/matrix.mtx", "");
  check_error(ErrorKind::data, {"there is one in", "filtered/hg19"},
              [&] { read_counts(nested.path(), {}); });
}

TEST_CASE("a single file takes the names beside it, else says how it was read") {
  Scratch scratch;
  tenx(scratch);
  CHECK(read_counts(scratch / "matrix.mtx", {}).cell_names.front() == "AAAC-1");
  for (const std::string name : {"matrix.mtx", "features.tsv", "barcodes.tsv"}) {
    scratch.file("gsm/GSM1_" + name, maskclass::test::content(scratch / name));
  }
  CHECK(read_counts(scratch / "gsm/GSM1_matrix.mtx", {}).cell_names.front() == "AAAC-1");

  const auto bare =
      scratch.file("bare/m.mtx.gz", gzip(maskclass::test::content(scratch / "matrix.mtx")));
  Log log;
  const Dataset dataset = read_counts(bare, {}, log.callbacks());
  CHECK(dataset.cell_names == std::vector<std::string>{"cell0", "cell1"});
  CHECK(dataset.gene_names == std::vector<std::string>{"gene0", "gene1", "gene2"});
  CHECK(log.has("genes x cells"));
  ReadOptions options;
  options.orientation = Orientation::cells_are_rows;
  CHECK(read_counts(bare, options).counts.n_cells == 3);
}

TEST_CASE("inputs that read_counts does not know") {
  const Scratch scratch;
  check_error(ErrorKind::data, {"gone.mtx", "no such"},
              [&] { read_counts(scratch / "gone.mtx", {}); });
  check_error(ErrorKind::usage, {"notes.docx", ".h5ad"},
              [&] { read_counts(scratch.file("notes.docx", "x"), {}); });
  check_error(ErrorKind::data, {"is empty"}, [&] { read_counts(scratch.file("e.mtx", ""), {}); });
  ReadOptions options;
  options.layer = "counts";
  check_error(ErrorKind::usage, {"--layer"},
              [&] { read_counts(scratch.file("m.mtx", kBanner), options); });
}

TEST_CASE("a caller who cancels stops the reading") {
  Scratch scratch;
  tenx(scratch);
  const maskclass::Callbacks callbacks{[](const maskclass::Progress&) { return false; }, {}};
  check_error(ErrorKind::cancelled, {"read"}, [&] { read_counts(scratch.path(), {}, callbacks); });
}
