#include "engine/io/evaluation_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/error.h"
#include "engine/io/name_matching.h"
#include "engine/report/evaluation_report.h"

namespace fs = std::filesystem;
using maskclass::Error;
using maskclass::io::EvaluationFiles;
using maskclass::io::load_evaluation;
using maskclass::io::LoadedEvaluation;
using maskclass::io::match_names;
using Names = std::vector<std::string>;

namespace {

/// A folder that vanishes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "maskclass-evaluate-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  fs::path path_;
};

std::vector<float> all_of(const maskclass::CellBlocks& blocks) {
  std::vector<float> values(blocks.n_cells * blocks.n_genes);
  blocks.read(0, blocks.n_cells, values.data());
  return values;
}

/// Four cells and three genes. Gene g2 is in one cell only: with min_cells 2 it is in no library.
struct Files {
  Folder folder;
  EvaluationFiles files;
  Files() {
    files.counts = folder.write("counts.tsv",
                                "cell\tg1\tg2\tg3\n"
                                "a\t1\t0\t3\nb\t0\t9\t2\nc\t4\t0\t0\nd\t0\t0\t8\n");
    files.truth = folder.write("truth.tsv",
                               "cell\tg1\tg2\tg3\n"
                               "a\t1\t2\t3\nb\t2\t9\t2\nc\t4\t0\t4\nd\t1\t0\t9\n");
    // Without cell c, and in another order of genes.
    files.denoised = folder.write("denoised.tsv",
                                  "cell\tg3\tg1\n"
                                  "d\t1.5\t0.25\na\t2\t1\nb\t1\t2.5\n");
    files.labels = folder.write("labels.tsv", "a\tT cell\nb\tB cell\nc\tB cell\nd\tB cell\n");
    files.min_cells = 2;
  }
  LoadedEvaluation load() const { return load_evaluation(files, 1, {}); }
};

std::string error_of(const Files& files) {
  try {
    files.load();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("names are matched by name, or by position where there are none") {
  const Names wanted{"b", "a"};
  const Names from{"a", "x", "b"};
  CHECK(match_names({wanted, "cell", "W"}, {from, "cell", "F"}) == std::vector<std::int64_t>{2, 0});
  const Names nameless{"gene0", "gene1", "gene2"};
  CHECK(match_names({nameless, "gene", "W"}, {from, "gene", "F"}) ==
        std::vector<std::int64_t>{0, 1, 2});
  const Names twice{"a", "a"};
  CHECK(match_names({twice, "gene", "W"}, {twice, "gene", "F"}) == std::vector<std::int64_t>{0, 1});
  CHECK_THROWS_AS(match_names({twice, "gene", "W"}, {from, "gene", "F"}), Error);
  CHECK_THROWS_AS(match_names({from, "gene", "W"}, {twice, "gene", "F"}), Error);
  CHECK_THROWS_AS(match_names({from, "gene", "W"}, {wanted, "gene", "F"}), Error);
  const Names fewer{"gene0", "gene1"};
  CHECK_THROWS_AS(match_names({fewer, "gene", "W"}, {from, "gene", "F"}), Error);
}

TEST_CASE("cells and genes of all files are brought into the order of the denoised ones") {
  const Files files;
  const LoadedEvaluation loaded = files.load();
  CHECK(all_of(loaded.input.denoised) == std::vector<float>{1.5f, 0.25f, 2, 1, 1, 2.5f});
  // Observed libraries over g1 and g3: 4, 2, 4, 8, median 4; the truth's: 4, 4, 8, 10, median 6.
  const auto log2_1p = [](double x) { return static_cast<float>(std::log2(1 + x)); };
  REQUIRE(loaded.input.observed);
  CHECK(all_of(*loaded.input.observed) ==
        std::vector<float>{log2_1p(4), 0, log2_1p(3), log2_1p(1), log2_1p(4), 0});
  REQUIRE(loaded.input.truth);
  const std::vector<float> truth = all_of(*loaded.input.truth);
  const std::vector<double> expected{9 * 0.6, 0.6, 4.5, 1.5, 3, 3};
  for (std::size_t k = 0; k < 6; ++k) {
    CHECK(truth[k] == doctest::Approx(std::log2(1 + expected[k])).epsilon(1e-6));
  }
  CHECK(loaded.label_names == Names{"B cell", "T cell"});
  CHECK(loaded.input.labels == std::vector<std::int32_t>{0, 1, 0});
  CHECK_FALSE(loaded.floor);
}

TEST_CASE("without counts there is no baseline, but clusters") {
  Files files;
  files.files.truth.clear();
  files.files.counts.clear();
  const LoadedEvaluation loaded = files.load();
  CHECK_FALSE(loaded.input.observed);
  const auto report = maskclass::evaluate(loaded.input, {});
  CHECK(report.clusters);
  CHECK_FALSE(report.baseline_clusters);
  const std::string table = maskclass::evaluation_table("d", report, loaded);
  CHECK(contains(table, "3 cells x 2 genes"));
  CHECK(contains(table, "ARI"));
}

TEST_CASE("what is wrong with the files is said") {
  Files files;
  files.files.counts.clear();
  CHECK(contains(error_of(files), "--counts"));

  Files unlabelled;
  unlabelled.files.labels = unlabelled.folder.write("few.tsv", "a\tT\nb\tB\n");
  CHECK(contains(error_of(unlabelled), "'d'"));

  Files not_finite;
  not_finite.files.denoised =
      not_finite.folder.write("bad.tsv", "cell\tg3\tg1\nd\t1\t2\na\tnan\t1\n");
  // Refused by the reader of tables or when the values are read.
  try {
    all_of(not_finite.load().input.denoised);
    FAIL("a value that is not finite was taken");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "bad.tsv"));
  }

  Files unknown_cell;
  unknown_cell.files.denoised = unknown_cell.folder.write("other.tsv", "cell\tg3\tg1\nz\t1\t2\n");
  CHECK(contains(error_of(unknown_cell), "'z'"));

  Files biozero;
  biozero.files.biozero = true;
  CHECK(contains(error_of(biozero), "biozero"));
}

TEST_CASE("the JSON report has the scores") {
  const Files files;
  const LoadedEvaluation loaded = files.load();
  const std::string json =
      maskclass::evaluation_json("d", maskclass::evaluate(loaded.input, {}), loaded);
  for (const char* key : {"\"mse\"", "\"dropout_mse\"", "\"ari\"", "\"labels\"", "\"baseline\""}) {
    CHECK(contains(json, key));
  }
  CHECK(json.back() == '\n');
}
