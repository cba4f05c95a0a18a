#pragma once

#include <vector>

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/parameters.h"

namespace maskclass::cuda {

/// One trained array with its moments, on the device.
struct TrainedArray {
  DeviceArray<float> value;
  DeviceArray<float> first_moment;
  DeviceArray<float> second_moment;

  Trained view() const { return {value.data(), first_moment.data(), second_moment.data()}; }
};

/// The network and its optimizer on the device, in the layouts of training_memory.h.
class NetworkMemory {
 public:
  NetworkMemory(const NetworkShape& shape, MemoryPlan& plan);

  WideLayers wide() const { return {encoder_.view(), output_.view(), output_bias_.view()}; }
  Trained trunk() const { return trunk_.view(); }

  /// Sets the weights and clears the moments. Returns when the host's memory may be used again.
  void upload(const Parameters& parameters, const Context& context);
  /// The weights or one of the moments. Waits for the stream.
  Parameters download(DeviceArray<float> TrainedArray::*which, const Context& context) const;

 private:
  NetworkShape shape_;
  TrainedArray encoder_;
  TrainedArray output_;
  TrainedArray output_bias_;
  TrainedArray trunk_;
};

}  // namespace maskclass::cuda
