#include "engine/io/tenx/tenx_h5_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/io/features.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/stored_matrix.h"

namespace maskclass::io {
namespace {

std::vector<std::string> strings(const hdf5::Node& group, const std::string& name) {
  return hdf5::read_strings(hdf5::open(group, name));
}
std::vector<std::string> strings_or_none(const hdf5::Node& group, const std::string& name) {
  return hdf5::has(group, name) ? strings(group, name) : std::vector<std::string>();
}

bool is_matrix(const hdf5::Node& file, const std::string& name) {
  return hdf5::has(file, name + "/barcodes") && hdf5::has(file, name + "/indptr");
}

/// Groups of the layout before version 3, named after genomes.
std::vector<std::string> genomes_of(const hdf5::Node& file) {
  std::vector<std::string> genomes;
  for (const std::string& name : hdf5::child_names(file)) {
    if (is_matrix(file, name)) genomes.push_back(name);
  }
  return genomes;
}

std::string chosen_genome(const hdf5::Node& file, const std::string& wanted) {
  const std::vector<std::string> genomes = genomes_of(file);
  if (genomes.empty()) {
    throw data_error(file.where +
                     ": is HDF5 but no 10x matrix: it has neither a group `matrix` nor one of a "
                     "genome with barcodes and indptr (molecule_info.h5 files are not read)");
  }
  for (const std::string& genome : genomes) {
    if (genome == wanted || (wanted.empty() && genomes.size() == 1)) return genome;
  }
  const std::string list = fmt::format("{}", fmt::join(genomes, ", "));
  throw usage_error(
      wanted.empty()
          ? fmt::format("{}: holds a matrix for each of {}, with cells of their own: choose one "
                        "with --genome",
                        file.where, list)
          : fmt::format("{}: has no genome '{}'; there are: {}", file.where, wanted, list));
}

/// Version 3 and newer.
FeatureList read_features(const hdf5::Node& matrix) {
  const hdf5::Node group = hdf5::open(matrix, "features");
  return {group.where, strings(group, "id"), strings_or_none(group, "name"),
          strings_or_none(group, "feature_type"), strings_or_none(group, "genome")};
}

FeatureList read_genes(const hdf5::Node& matrix, const std::string& genome) {
  FeatureList features{
      matrix.where, strings(matrix, "genes"), strings_or_none(matrix, "gene_names"), {}, {}};
  features.genomes.assign(features.ids.size(), genome);
  return features;
}

void check_features(const FeatureList& features) {
  for (const auto* words : {&features.symbols, &features.types, &features.genomes}) {
    if (words->empty() || words->size() == features.ids.size()) continue;
    throw data_error(fmt::format("{}: {} ids, but {} names, types or genomes; the file is damaged",
                                 features.file, features.ids.size(), words->size()));
  }
}

/// 10x stores features x cells by cells: rows of ours.
StoredMatrix open_tenx_matrix(const hdf5::Node& group) {
  const std::vector<std::int64_t> shape = hdf5::read_integers(hdf5::open(group, "shape"));
  if (shape.size() != 2 || shape[0] < 0 || shape[1] < 0) {
    throw data_error(group.where + "/shape: is not two sizes; the file is damaged");
  }
  return open_sparse_matrix(group, StoredMatrix::Storage::csr, shape[1], shape[0]);
}

Dataset read_open_tenx(const std::filesystem::path& path, const ReadOptions& options,
                       const Callbacks& callbacks) {
  const hdf5::Node file = hdf5::open_file(path);
  const bool new_layout = hdf5::has(file, "matrix/features") && is_matrix(file, "matrix");
  const std::string genome = new_layout ? "" : chosen_genome(file, options.genome);
  Dataset dataset;
  dataset.path = path.string();
  dataset.matrix = new_layout ? "matrix" : genome;
  const hdf5::Node group = hdf5::open(file, dataset.matrix);
  FeatureList features = new_layout ? read_features(group) : read_genes(group, genome);
  check_features(features);
  dataset.cell_names = strings(group, "barcodes");
  StoredMatrix matrix = open_tenx_matrix(group);
  const MatrixNames names{dataset.cell_names, features.ids};
  read_pointers(matrix, names);
  dataset.counts = load(matrix, names, options.n_threads, callbacks);
  take_features(std::move(features), options, dataset, callbacks);
  return dataset;
}

}  // namespace

Dataset read_tenx_h5(const std::filesystem::path& path, const ReadOptions& options,
                     const Callbacks& callbacks) {
  return hdf5::in_session(path.string(), [&] { return read_open_tenx(path, options, callbacks); });
}

}  // namespace maskclass::io
