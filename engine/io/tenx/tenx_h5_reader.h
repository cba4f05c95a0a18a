#pragma once

#include <filesystem>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads the HDF5 matrices of Cell Ranger: of version 3 and newer (a group `matrix` with features
/// of several types and genomes) and the layout before (a group of each genome's genes). gene_names
/// are the ids, gene_symbols the names. Features and genomes are chosen as take_features says; a
/// file of the old layout with several genomes is refused unless options.genome names one, since
/// each has cells of its own. Values are not checked to be counts. Throws Error{data} that names
/// the object where it is missing or damaged, Error{usage} for a genome that is not there.
Dataset read_tenx_h5(const std::filesystem::path& path, const ReadOptions& options,
                     const Callbacks& callbacks);

}  // namespace maskclass::io
