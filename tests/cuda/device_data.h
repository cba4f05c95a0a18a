#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"
#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda::test {

/// A stream of its own, which does not wait for the legacy stream: work that another stream was
/// given by mistake shows.
struct TestStream {
  Stream stream;
  Context context{stream.get()};

  template <class T>
  DeviceArray<T> array(std::size_t size) const {
    return DeviceArray<T>(size, context);
  }
  template <class T>
  DeviceArray<T> upload(const std::vector<T>& values) const {
    return upload(std::span<const T>(values));
  }
  template <class T>
  DeviceArray<T> upload(std::span<const T> values) const {
    DeviceArray<T> result(values.size(), context);
    result.upload(values, context, "uploading a test's values");
    wait();
    return result;
  }
  template <class T>
  std::vector<T> download(const DeviceArray<T>& array) const {
    std::vector<T> result(array.size());
    array.download(std::span<T>(result), context, "downloading a test's results");
    wait();
    return result;
  }
  void wait() const { synchronise(context.stream, "a test's work"); }
};

/// Counts on the device, owned.
struct DeviceCounts {
  DeviceArray<std::int64_t> indptr;
  DeviceArray<std::int32_t> indices;
  DeviceArray<float> values;
  DeviceCsr csr;

  DeviceCounts(const CsrMatrix& counts, const TestStream& stream)
      : indptr(stream.upload(counts.indptr)),
        indices(stream.upload(counts.view().indices)),
        values(stream.upload(counts.view().values)),
        csr{counts.n_cells,
            static_cast<std::int64_t>(counts.indices.size()),
            static_cast<std::int32_t>(counts.n_genes),
            indptr.data(),
            indices.data(),
            values.data()} {}
};

}  // namespace maskclass::cuda::test
