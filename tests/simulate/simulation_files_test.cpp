#include "engine/io/simulation_files.h"

#include <doctest/doctest.h>
#include <stdlib.h>  // mkdtemp

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/io/reader.h"

namespace {

namespace fs = std::filesystem;
using namespace maskclass;

/// A folder of its own for one test.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "maskclass-simulate-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  std::size_t n_entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), {}));
  }

 private:
  fs::path path_;
};

simulate::Simulation small_simulation() {
  simulate::SplatParameters parameters = simulate::scenario("batch");
  parameters.n_cells = 40;
  parameters.n_genes = 25;
  parameters.library_location = 6;
  parameters.batch_truth = simulate::BatchTruth::independent;
  return simulate::simulate(parameters, 5, 1);
}

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void replace_in(const fs::path& path, const std::string& what, const std::string& by) {
  std::string text = text_of(path);
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  std::ofstream(path) << text.replace(at, what.size(), by);
}

io::SimulationFileOptions matrix_market() {
  io::SimulationFileOptions options;
  options.h5ad = false;
  options.scenario = "batch";
  options.seed = 5;
  return options;
}

/// The message of the error that reading a folder's generator gives.
std::string failure(const fs::path& folder) {
  try {
    io::read_generator(folder);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    return error.what();
  }
  return "";
}

void check_same_counts(const CsrMatrix& read, const CsrMatrix& written) {
  CHECK(read.n_cells == written.n_cells);
  CHECK(read.n_genes == written.n_genes);
  CHECK(read.indptr == written.indptr);
  CHECK(read.indices == written.indices);
  CHECK(read.values == written.values);
}

}  // namespace

TEST_CASE("a simulation's folder gives its counts and its generator back to the bit") {
  const Scratch scratch;
  const simulate::Simulation simulation = small_simulation();
  std::vector<bool> formats{false};
#ifdef MASKCLASS_HAS_HDF5
  formats.push_back(true);
#endif
  for (const bool h5ad : formats) {
    CAPTURE(h5ad);
    io::SimulationFileOptions options = matrix_market();
    options.h5ad = h5ad;
    const fs::path folder = scratch / (h5ad ? "h5ad/" : "mtx/");
    io::write_simulation(folder, simulation, options);

    const simulate::Generator read = io::read_generator(folder);
    const simulate::Generator& written = simulation.generator;
    CHECK(read.n_cells == written.n_cells);
    CHECK(read.n_genes == written.n_genes);
    CHECK(read.group == written.group);
    CHECK(read.batch == written.batch);
    CHECK(read.library == written.library);
    CHECK(read.gene_mean == written.gene_mean);
    CHECK(read.dispersion_factor == written.dispersion_factor);
    CHECK(read.group_factors == written.group_factors);
    CHECK(read.batch_factors == written.batch_factors);
    CHECK(read.bcv_common == written.bcv_common);
    CHECK(read.dropout_type == written.dropout_type);
    CHECK(read.dropout_midpoint == written.dropout_midpoint);
    CHECK(read.dropout_shape == written.dropout_shape);
    CHECK(read.truth_without_batch_effects == written.truth_without_batch_effects);
    CHECK(read.batch_truth == written.batch_truth);

    const auto counts = io::read_counts(io::simulation_counts_path(folder, "counts"), {});
    check_same_counts(counts.counts, simulation.counts);
    CHECK(counts.cell_names[39] == "Cell40");
    CHECK(counts.gene_names[24] == "Gene25");
    check_same_counts(io::read_counts(io::simulation_counts_path(folder, "truth"), {}).counts,
                      simulation.true_counts);
  }
  CHECK(scratch.n_entries() == formats.size());  // nothing temporary is left
}

TEST_CASE("a folder that holds anything is not touched, unless it is a simulation to replace") {
  const Scratch scratch;
  const simulate::Simulation simulation = small_simulation();
  const fs::path folder = scratch / "simulated";
  fs::create_directory(folder);  // empty: allowed
  io::SimulationFileOptions options = matrix_market();
  io::write_simulation(folder, simulation, options);
  CHECK_THROWS_AS(io::write_simulation(folder, simulation, options), Error);

  options.replace = true;
  options.seed = 6;
  io::write_simulation(folder, simulation, options);
  CHECK(text_of(folder / "simulation.json").find("\"seed\": 6") != std::string::npos);

  std::ofstream(folder / "counts" / "notes.txt") << "mine";
  CHECK_THROWS_AS(io::write_simulation(folder, simulation, options), Error);
  fs::remove(folder / "counts" / "notes.txt");
  std::ofstream(folder / "denoised.h5ad") << "mine";
  CHECK_THROWS_AS(io::write_simulation(folder, simulation, options), Error);
  CHECK(text_of(folder / "denoised.h5ad") == "mine");

  std::ofstream(scratch / "file") << "text";
  CHECK_THROWS_AS(io::check_simulation_folder(scratch / "file", options), Error);
  CHECK_THROWS_AS(io::check_simulation_folder(scratch / "missing" / "folder", options), Error);
}

TEST_CASE("a cancelled writing leaves nothing") {
  const Scratch scratch;
  Callbacks stop;
  stop.progress = [](const Progress& progress) { return progress.done < 2; };
  CHECK_THROWS_AS(
      io::write_simulation(scratch / "simulated", small_simulation(), matrix_market(), stop),
      Error);
  CHECK(scratch.n_entries() == 0);
}

TEST_CASE("damaged files are refused with file and line") {
  const Scratch scratch;
  const fs::path folder = scratch / "simulated";
  io::SimulationFileOptions options = matrix_market();
  const auto damaged = [&](const std::string& file, const std::string& what,
                           const std::string& by) {
    options.replace = fs::exists(folder);
    io::write_simulation(folder, small_simulation(), options);
    replace_in(folder / file, what, by);
    return failure(folder);
  };
  const auto names = [](const std::string& message, const std::string& part) {
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  names(failure(scratch / "nothing"), "simulation.json: cannot be read");
  names(damaged("simulation.json", "maskclass simulation 1", "other"), "format");
  names(damaged("simulation.json", "{", "["), "simulation.json");
  names(damaged("simulation.json", "\"n_cells\": 40", "\"n_cells\": 41"),
        "cells.tsv: line 42: the file ends here");
  names(damaged("simulation.json", "\"n_cells\": 40", "\"n_cells\": 39"), "cells.tsv: line 41");
  names(damaged("simulation.json", "\"n_cells\": 40", "\"n_cells\": -1"), "-1");
  names(damaged("simulation.json", "\"batch\",", "\"cell\","), "not known");
  names(damaged("cells.tsv", "Cell3\t", "Cell33\t"), "cells.tsv: line 4");
  names(damaged("cells.tsv", "Batch1", "Batch9"), "batch of cell 1 does not exist");
  names(damaged("cells.tsv", "Group", "Gruppe"), "cells.tsv: line 2");
  names(damaged("genes.tsv", "Gene2\t", "Gene2\tx\t"), "genes.tsv: line 3: ");
  names(damaged("genes.tsv", "dispersion_factor", "dispersion"), "genes.tsv: line 1: the header");
  names(damaged("genes.tsv", "Gene5\t", "Gene5\t-"), "mean has a value that is negative");
}
