#include "engine/report/model_file.h"

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/io/atomic_file.h"

namespace maskclass::report {
namespace {

/// The arrays in the order in which they are written, and the header that says where each lies.
class TensorList {
 public:
  void add(const std::string& name, const std::vector<float>& values,
           const std::vector<std::int64_t>& shape) {
    const std::size_t end = n_bytes_ + values.size() * sizeof(float);
    header_[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {n_bytes_, end}}};
    arrays_.push_back(&values);
    n_bytes_ = end;
  }

  void write(const std::filesystem::path& path, nlohmann::ordered_json metadata) {
    header_["__metadata__"] = std::move(metadata);
    std::string header = header_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    header.resize((header.size() + 7) / 8 * 8, ' ');  // The data start at a multiple of 8 bytes.
    const std::uint64_t length = header.size();
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const auto* array : arrays_) {
      file.write(reinterpret_cast<const char*>(array->data()),
                 static_cast<std::streamsize>(array->size() * sizeof(float)));
    }
    file.close();
    if (!file) throw data_error("cannot write the model to " + path.string() + ": disk full?");
  }

 private:
  nlohmann::ordered_json header_;
  std::vector<const std::vector<float>*> arrays_;
  std::size_t n_bytes_ = 0;
};

}  // namespace

void write_model(const io::AtomicPath& file, const Parameters& parameters,
                 const std::vector<std::string>& gene_names, const std::string& parameters_json) {
  const NetworkShape& shape = parameters.shape;
  const std::int64_t widths[] = {shape.n_genes, shape.hidden, shape.latent, shape.hidden};
  const char* const names[] = {"encoder.0", "encoder.1", "decoder.0"};
  TensorList tensors;
  for (int b = 0; b < 3; ++b) {
    const BlockParameters& block = parameters.blocks[b];
    const std::string name = names[b];
    tensors.add(name + ".linear.weight", block.weight, {widths[b + 1], widths[b]});
    tensors.add(name + ".linear.bias", block.bias, {widths[b + 1]});
    tensors.add(name + ".norm.weight", block.gain, {widths[b + 1]});
    tensors.add(name + ".norm.bias", block.shift, {widths[b + 1]});
  }
  tensors.add("decoder.1.linear.weight", parameters.output_weight, {shape.n_genes, shape.hidden});
  tensors.add("decoder.1.linear.bias", parameters.output_bias, {shape.n_genes});

  nlohmann::ordered_json metadata;  // The format allows strings only.
  metadata["format"] = "maskclass";
  metadata["parameters"] = parameters_json;
  metadata["genes"] =
      nlohmann::json(gene_names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  tensors.write(file.temporary(), std::move(metadata));
}

}  // namespace maskclass::report
