#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/parameters.h"

namespace maskclass::report {

/// Saves the parameters as safetensors, float32, under these names:
///   encoder.0, encoder.1, decoder.0 (blocks): .linear.weight [out, in], .linear.bias [out],
///   .norm.weight [out], .norm.bias [out]; decoder.1: .linear.weight [genes, hidden], .linear.bias.
/// The metadata hold `parameters_json` and the names of the genes, in the order of the columns.
/// Written under a temporary name, synced, renamed. Throws Error{data} where that fails.
void save_model(const std::filesystem::path& path, const Parameters& parameters,
                const std::vector<std::string>& gene_names, const std::string& parameters_json);

}  // namespace maskclass::report
