#pragma once

#include <string>
#include <vector>

#include "engine/io/dataset.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Puts the cells of several inputs below each other, with the genes that all of them have, in the
/// order of the first. Genes are matched by id where every input has ids (gene_ids, or gene_names
/// that are ids), or by symbol where that finds more; lists that are the same match by position.
/// Genes whose key stands twice in one of several different lists are left out. Cells keep their
/// names where those are unique; else "-1", "-2", ... of their input is added. Log lines say all of
/// that. cell_inputs is filled, with the names of the files, and inputs. Throws Error{data} where
/// no gene is shared. The parts are taken apart.
Dataset merge(std::vector<Dataset> parts, const Callbacks& callbacks);

}  // namespace maskclass::io
