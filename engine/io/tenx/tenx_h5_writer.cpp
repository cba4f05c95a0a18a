#include "engine/io/tenx/tenx_h5_writer.h"

#include <cstdint>
#include <span>

#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

using Names = std::vector<std::string>;

class TenxH5Sink : public MatrixSink {
 public:
  TenxH5Sink(const std::filesystem::path& path, const std::string& name, const TenxNames& names,
             int compression)
      : n_genes_(std::ssize(names.genes.ids)) {
    const hdf5::Session session;
    file_ = hdf5::create_file(path);
    file_.where = name;
    hdf5::set_attribute(file_, "filetype", std::string("matrix"));
    const std::int64_t version = 2;
    hdf5::set_attribute(file_, "version", std::span(&version, 1));
    group_ = hdf5::create_group(file_, "matrix");
    hdf5::write(group_, "barcodes", std::span<const std::string>(names.cells));
    const std::int64_t shape[] = {n_genes_, std::ssize(names.cells)};
    hdf5::write(group_, "shape", std::span<const std::int64_t>(shape));
    write_features(names);
    data_ = hdf5::create_growing(group_, "data", H5T_IEEE_F32LE, compression);
    indices_ = hdf5::create_growing(group_, "indices", H5T_STD_I64LE, compression);
  }

  void write(const float* values, std::int64_t n_cells) override {
    const hdf5::Session session;
    std::vector<float> data;
    std::vector<std::int64_t> indices;
    for (std::int64_t row = 0; row < n_cells; ++row) {
      for (std::int64_t gene = 0; gene < n_genes_; ++gene) {
        const float value = values[row * n_genes_ + gene];
        if (value == 0) continue;
        data.push_back(value);
        indices.push_back(gene);
      }
      pointers_.push_back(n_values_ + std::ssize(data));
    }
    hdf5::append(data_, n_values_, std::ssize(data), H5T_NATIVE_FLOAT, data.data());
    hdf5::append(indices_, n_values_, std::ssize(data), H5T_NATIVE_INT64, indices.data());
    n_values_ += std::ssize(data);
  }

  void close() override {
    const hdf5::Session session;
    hdf5::write(group_, "indptr", std::span<const std::int64_t>(pointers_));
    hdf5::flush(file_);
    for (hdf5::Node* node : {&data_, &indices_, &group_, &file_}) node->handle.reset();
  }

 private:
  void write_features(const TenxNames& names) const {
    const hdf5::Node features = hdf5::create_group(group_, "features");
    const auto write_all = [&](const char* name, const Names& words) {
      hdf5::write(features, name, std::span<const std::string>(words));
    };
    write_all("_all_tag_keys", {"genome"});
    write_all("id", names.genes.ids);
    write_all("name", names.genes.symbols);
    write_all("feature_type", Names(n_genes_, "Gene Expression"));
    write_all("genome", names.genomes.empty() ? Names(n_genes_) : names.genomes);
  }

  std::int64_t n_genes_;
  std::int64_t n_values_ = 0;
  std::vector<std::int64_t> pointers_{0};
  hdf5::Node file_;
  hdf5::Node group_;
  hdf5::Node data_;
  hdf5::Node indices_;
};

}  // namespace

std::unique_ptr<MatrixSink> open_tenx_h5_sink(const std::filesystem::path& path,
                                              const std::string& name, const TenxNames& names,
                                              int compression) {
  return std::make_unique<TenxH5Sink>(path, name, names, compression);
}

}  // namespace maskclass::io
