#include "engine/io/simulation_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/error.h"
#include "engine/io/counts_writer.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using simulate::BatchTruth;
using simulate::DropoutType;
using simulate::Generator;

constexpr const char* kFormat = "maskclass simulation 1";
constexpr const char* kGroupName = "Group";
constexpr const char* kBatchName = "Batch";

std::string cell_name(std::int64_t cell) {
  return fmt::format("Cell{}", cell + 1);
}
std::string gene_name(std::int64_t gene) {
  return fmt::format("Gene{}", gene + 1);
}

const char* name_of(DropoutType type) {
  switch (type) {
    case DropoutType::none:
      return "none";
    case DropoutType::group:
      return "group";
    case DropoutType::batch:
      return "batch";
  }
  return "";
}

const char* name_of(BatchTruth truth) {
  return truth == BatchTruth::coupled ? "coupled" : "independent";
}

/// Flushes a file or folder to disk.
void sync(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  if (!synced) {
    throw data_error(
        fmt::format("{}: cannot be written to disk: {}", path.string(), std::strerror(reason)));
  }
}

void write_text(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) {
    throw data_error(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  }
  sync(path);
}

/// A folder beside its final place that vanishes again unless it gets there.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& beside) {
    std::string name = beside.string() + ".partial-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw data_error(
          fmt::format("{}: cannot be created: {}", beside.string(), std::strerror(errno)));
    }
    path_ = name;
    fs::permissions(path_,
                    fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read |
                        fs::perms::others_exec,
                    fs::perm_options::add);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

  /// Takes the place of `target`, which is absent, an empty folder, or one that may be replaced.
  void become(const fs::path& target) {
    sync(path_);
    std::error_code error;
    if (fs::exists(target) && !fs::is_empty(target)) {
      const TemporaryFolder old(target);  // an empty folder, which rename() replaces
      fs::rename(target, old.path(), error);
      if (!error) fs::rename(path_, target, error);
    } else {
      fs::rename(path_, target, error);
    }
    if (error) {
      throw data_error(
          fmt::format("{}: cannot be put in place: {}", target.string(), error.message()));
    }
    path_.clear();
  }

 private:
  fs::path path_;
};

bool is_one_of(const fs::path& path, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), path.filename().string()) != names.end();
}

/// Whether this program wrote it into a simulation's folder: a file of those names, or a 10x
/// directory that holds nothing else.
bool is_of_simulation(const fs::directory_entry& entry) {
  if (!entry.is_directory()) {
    return is_one_of(entry.path(),
                     {"counts.h5ad", "truth.h5ad", "cells.tsv", "genes.tsv", "simulation.json"});
  }
  if (!is_one_of(entry.path(), {"counts", "truth"})) return false;
  const fs::directory_iterator files(entry.path());
  return std::all_of(begin(files), end(files), [](const fs::directory_entry& file) {
    return !file.is_directory() && is_one_of(file.path(), {"matrix.mtx.gz", "features.tsv.gz",
                                                           "barcodes.tsv.gz", "cells.tsv.gz"});
  });
}

/// The path without a slash at its end, so that names can be put behind it.
fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

std::vector<std::string> labels(const std::vector<std::int32_t>& values, const char* name) {
  std::vector<std::string> result;
  result.reserve(values.size());
  for (const std::int32_t value : values) result.push_back(fmt::format("{}{}", name, value + 1));
  return result;
}

void write_cells(const fs::path& path, const Generator& generator) {
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "cell\tgroup\tbatch\tlibrary\n");
  for (std::int64_t cell = 0; cell < generator.n_cells; ++cell) {
    fmt::format_to(out, "{}\t{}{}\t{}{}\t{}\n", cell_name(cell), kGroupName,
                   generator.group[cell] + 1, kBatchName, generator.batch[cell] + 1,
                   generator.library[cell]);
  }
  write_text(path, {text.data(), text.size()});
}

std::string genes_header(int n_groups, int n_batches) {
  std::string header = "gene\tmean\tdispersion_factor";
  for (int k = 1; k <= n_groups; ++k) header += fmt::format("\t{}{}_factor", kGroupName, k);
  for (int k = 1; k <= n_batches; ++k) header += fmt::format("\t{}{}_factor", kBatchName, k);
  return header;
}

void write_genes(const fs::path& path, const Generator& generator) {
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{}\n", genes_header(generator.n_groups(), generator.n_batches()));
  for (std::int64_t gene = 0; gene < generator.n_genes; ++gene) {
    fmt::format_to(out, "{}\t{}\t{}", gene_name(gene), generator.gene_mean[gene],
                   generator.dispersion_factor[gene]);
    for (const auto& factors : generator.group_factors) fmt::format_to(out, "\t{}", factors[gene]);
    for (const auto& factors : generator.batch_factors) fmt::format_to(out, "\t{}", factors[gene]);
    fmt::format_to(out, "\n");
  }
  write_text(path, {text.data(), text.size()});
}

void write_scalars(const fs::path& path, const Generator& generator,
                   const SimulationFileOptions& options) {
  const json document{{"format", kFormat},
                      {"scenario", options.scenario},
                      {"seed", options.seed},
                      {"n_cells", generator.n_cells},
                      {"n_genes", generator.n_genes},
                      {"n_groups", generator.n_groups()},
                      {"n_batches", generator.n_batches()},
                      {"bcv_common", generator.bcv_common},
                      {"dropout_type", name_of(generator.dropout_type)},
                      {"dropout_midpoint", generator.dropout_midpoint},
                      {"dropout_shape", generator.dropout_shape},
                      {"truth_without_batch_effects", generator.truth_without_batch_effects},
                      {"batch_truth", name_of(generator.batch_truth)}};
  write_text(path, document.dump(2) + "\n");
}

void write_matrix(const fs::path& folder, const char* name, CsrMatrix matrix,
                  const Generator& generator, bool h5ad) {
  Dataset dataset;
  dataset.counts = std::move(matrix);
  for (std::int64_t cell = 0; cell < generator.n_cells; ++cell) {
    dataset.cell_names.push_back(cell_name(cell));
  }
  for (std::int64_t gene = 0; gene < generator.n_genes; ++gene) {
    dataset.gene_names.push_back(gene_name(gene));
  }
  write_counts(folder / (h5ad ? fmt::format("{}.h5ad", name) : std::string(name)), dataset,
               {{"group", labels(generator.group, kGroupName)},
                {"batch", labels(generator.batch, kBatchName)}});
}

/// A text file of one header line and rows of tab-separated fields.
class Table {
 public:
  Table(const fs::path& path, const std::string& header) : path_(path), file_(path) {
    if (!file_) {
      throw data_error(
          fmt::format("{}: cannot be read: {}; give a folder that `maskclass simulate` "
                      "wrote",
                      path.string(), std::strerror(errno)));
    }
    if (!std::getline(file_, line_text_) || line_text_ != header) {
      line_ = 1;
      fail(fmt::format("the header must be '{}'", header));
    }
    line_ = 1;
    n_fields_ = static_cast<std::size_t>(std::count(header.begin(), header.end(), '\t')) + 1;
  }

  /// Reads the next row; a missing row or one of another length is an error.
  void next() {
    ++line_;
    if (!std::getline(file_, line_text_)) fail("the file ends here, rows are missing");
    fields_.clear();
    std::string_view rest = line_text_;
    for (std::size_t tab = rest.find('\t'); tab != std::string_view::npos; tab = rest.find('\t')) {
      fields_.push_back(rest.substr(0, tab));
      rest.remove_prefix(tab + 1);
    }
    fields_.push_back(rest);
    if (fields_.size() != n_fields_) {
      fail(fmt::format("{} fields instead of {}", fields_.size(), n_fields_));
    }
  }

  void end() {
    ++line_;
    if (std::getline(file_, line_text_)) fail("there are more rows than simulation.json says");
  }

  double number(std::size_t field) const {
    double value = 0;
    const std::string_view text = fields_[field];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(fmt::format("'{}' is not a number", text));
    }
    return value;
  }

  /// The label "<prefix>k" of a field, as k - 1.
  std::int32_t label(std::size_t field, std::string_view prefix) const {
    std::string_view text = fields_[field];
    std::int32_t value = 0;
    if (text.substr(0, prefix.size()) == prefix) {
      text.remove_prefix(prefix.size());
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error == std::errc() && end == text.data() + text.size() && value >= 1) return value - 1;
    }
    fail(fmt::format("'{}' is not a label such as {}1", fields_[field], prefix));
  }

  void require_name(const std::string& name) const {
    if (fields_[0] != name) fail(fmt::format("'{}' stands where {} must be", fields_[0], name));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw data_error(fmt::format("{}: line {}: {}", path_.string(), line_, what));
  }

  fs::path path_;
  std::ifstream file_;
  std::string line_text_;
  std::vector<std::string_view> fields_;
  std::size_t n_fields_ = 0;
  std::int64_t line_ = 0;
};

json read_scalars(const fs::path& path) {
  std::ifstream file(path);
  if (!file) {
    throw data_error(
        fmt::format("{}: cannot be read: {}; give a folder that `maskclass simulate` "
                    "wrote",
                    path.string(), std::strerror(errno)));
  }
  try {
    json document = json::parse(file);
    if (document.at("format") != kFormat) {
      throw data_error(fmt::format("{}: the format is not '{}'", path.string(), kFormat));
    }
    return document;
  } catch (const json::exception& error) {
    throw data_error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

template <typename Enum>
Enum enum_of(const json& value, std::initializer_list<Enum> choices, const fs::path& path) {
  for (const Enum choice : choices) {
    if (value == name_of(choice)) return choice;
  }
  throw data_error(fmt::format("{}: {} is not known", path.string(), value.dump()));
}

/// What simulation.json holds; sizes of the lists to come are set by it too.
Generator generator_of(const json& document, const fs::path& path) {
  constexpr std::int64_t kMaximum = std::numeric_limits<std::int32_t>::max();
  Generator generator;
  try {
    generator.n_cells = document.at("n_cells").get<std::int64_t>();
    generator.n_genes = document.at("n_genes").get<std::int64_t>();
    const auto n_groups = document.at("n_groups").get<std::int64_t>();
    const auto n_batches = document.at("n_batches").get<std::int64_t>();
    for (const std::int64_t n : {generator.n_cells, generator.n_genes, n_groups, n_batches}) {
      if (n < 1 || n > kMaximum) {
        throw data_error(fmt::format("{}: {} is not a possible size", path.string(), n));
      }
    }
    generator.group_factors.resize(n_groups);
    generator.batch_factors.resize(n_batches);
    generator.bcv_common = document.at("bcv_common").get<double>();
    generator.dropout_type =
        enum_of(document.at("dropout_type"),
                {DropoutType::none, DropoutType::group, DropoutType::batch}, path);
    generator.dropout_midpoint = document.at("dropout_midpoint").get<std::vector<double>>();
    generator.dropout_shape = document.at("dropout_shape").get<std::vector<double>>();
    generator.truth_without_batch_effects = document.at("truth_without_batch_effects").get<bool>();
    generator.batch_truth =
        enum_of(document.at("batch_truth"), {BatchTruth::coupled, BatchTruth::independent}, path);
  } catch (const json::exception& error) {
    throw data_error(fmt::format("{}: {}", path.string(), error.what()));
  }
  return generator;
}

void read_cells(const fs::path& path, Generator& generator) {
  Table table(path, "cell\tgroup\tbatch\tlibrary");
  for (std::int64_t cell = 0; cell < generator.n_cells; ++cell) {
    table.next();
    table.require_name(cell_name(cell));
    generator.group.push_back(table.label(1, kGroupName));
    generator.batch.push_back(table.label(2, kBatchName));
    generator.library.push_back(table.number(3));
  }
  table.end();
}

void read_genes(const fs::path& path, Generator& generator) {
  Table table(path, genes_header(generator.n_groups(), generator.n_batches()));
  for (std::int64_t gene = 0; gene < generator.n_genes; ++gene) {
    table.next();
    table.require_name(gene_name(gene));
    std::size_t field = 1;
    generator.gene_mean.push_back(table.number(field++));
    generator.dispersion_factor.push_back(table.number(field++));
    for (auto& factors : generator.group_factors) factors.push_back(table.number(field++));
    for (auto& factors : generator.batch_factors) factors.push_back(table.number(field++));
  }
  table.end();
}

}  // namespace

void check_simulation_folder(const fs::path& given, const SimulationFileOptions& options) {
  const fs::path folder = without_slash(given);
  if (folder.empty()) throw usage_error("the folder to write has no name");
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  std::error_code error;
  if (!fs::is_directory(parent, error)) {
    throw data_error(fmt::format("{}: the folder {} does not exist: create it", folder.string(),
                                 parent.string()));
  }
  if (access(parent.c_str(), W_OK) != 0) {
    throw data_error(
        fmt::format("{}: the folder {} is not writable", folder.string(), parent.string()));
  }
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  if (!fs::is_directory(folder, error) || fs::is_symlink(folder, error)) {
    throw data_error(fmt::format("{}: exists and is not a folder: name another", folder.string()));
  }
  fs::directory_iterator entries(folder, error);
  if (error) throw data_error(fmt::format("{}: {}", folder.string(), error.message()));
  for (const fs::directory_entry& entry : entries) {
    if (!options.replace) {
      throw data_error(
          fmt::format("{}: is not empty: name another folder, or use --force", folder.string()));
    }
    if (!is_of_simulation(entry)) {
      throw data_error(
          fmt::format("{}: will not be replaced, for it holds {}, which is not part "
                      "of a simulation: move that file or name another folder",
                      folder.string(), entry.path().filename().string()));
    }
  }
}

void write_simulation(const fs::path& given, simulate::Simulation simulation,
                      const SimulationFileOptions& options, const Callbacks& callbacks) {
  const fs::path folder = without_slash(given);
  check_simulation_folder(folder, options);
  const Generator& generator = simulation.generator;
  TemporaryFolder temporary(folder);
  const auto report = [&](std::int64_t done) {
    report_progress(callbacks, {"write", done, 3, "files", 0});
  };
  report(0);
  write_matrix(temporary.path(), "counts", std::move(simulation.counts), generator, options.h5ad);
  report(1);
  write_matrix(temporary.path(), "truth", std::move(simulation.true_counts), generator,
               options.h5ad);
  report(2);
  write_cells(temporary.path() / "cells.tsv", generator);
  write_genes(temporary.path() / "genes.tsv", generator);
  write_scalars(temporary.path() / "simulation.json", generator, options);
  report(3);
  temporary.become(folder);
  sync(folder.has_parent_path() ? folder.parent_path() : fs::path("."));
}

simulate::Generator read_generator(const fs::path& folder) {
  const fs::path scalars = folder / "simulation.json";
  Generator generator = generator_of(read_scalars(scalars), scalars);
  read_cells(folder / "cells.tsv", generator);
  read_genes(folder / "genes.tsv", generator);
  simulate::check_generator(generator, folder.string());
  return generator;
}

fs::path simulation_counts_path(const fs::path& folder, const std::string& name) {
  for (const fs::path& path : {folder / (name + ".h5ad"), folder / name}) {
    if (fs::exists(path)) return path;
  }
  throw data_error(
      fmt::format("{}: holds neither {}.h5ad nor a folder {}; give a folder that "
                  "`maskclass simulate` wrote",
                  folder.string(), name, name));
}

}  // namespace maskclass::io
