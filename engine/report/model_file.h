#pragma once

#include <string>
#include <vector>

#include "engine/io/atomic_file.h"
#include "kernels/parameters.h"

namespace maskclass::report {

/// Writes the parameters to file.temporary() as safetensors, float32, under these names:
///   encoder.0, encoder.1, decoder.0 (blocks): .linear.weight [out, in], .linear.bias [out],
///   .norm.weight [out], .norm.bias [out]; decoder.1: .linear.weight [genes, hidden], .linear.bias.
/// The metadata hold `parameters_json` and the names of the genes, in the order of the columns.
/// The caller finishes the file. Throws Error{data} where it cannot be written.
void write_model(const io::AtomicPath& file, const Parameters& parameters,
                 const std::vector<std::string>& gene_names, const std::string& parameters_json);

}  // namespace maskclass::report
