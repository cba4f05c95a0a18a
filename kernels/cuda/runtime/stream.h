#pragma once

#include <cuda_runtime_api.h>

#include <utility>

#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {

/// A stream with an owner, which does not wait for the legacy stream.
class Stream {
 public:
  Stream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { static_cast<void>(cudaStreamDestroy(stream_)); }

  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A point in a stream's work.
class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "creating an event"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { static_cast<void>(cudaEventDestroy(event_)); }

  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "recording an event"); }
  /// Blocks the host. `what` names the work waited for, whose errors appear here.
  void wait(const char* what) const { check(cudaEventSynchronize(event_), what); }
  /// Lets a stream wait, and the host go on.
  void make_wait(cudaStream_t stream) const {
    check(cudaStreamWaitEvent(stream, event_, 0), "waiting for an event");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Work captured from a stream, to be replayed without the host.
class Graph {
 public:
  Graph() = default;
  /// `record(stream)` launches the work to capture; it must not synchronise or allocate.
  template <class Record>
  Graph(cudaStream_t stream, const Record& record) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capturing a graph");
    try {
      record(stream);
    } catch (...) {
      cudaGraph_t broken = nullptr;
      static_cast<void>(cudaStreamEndCapture(stream, &broken));
      static_cast<void>(cudaGetLastError());  // else the next launch would be blamed
      if (broken != nullptr) static_cast<void>(cudaGraphDestroy(broken));
      throw;
    }
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream, &graph), "capturing a graph");
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check(status, "instantiating a graph");
  }
  Graph(Graph&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(executable_, other.executable_);
    return *this;
  }
  ~Graph() {
    if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
  }

  explicit operator bool() const { return executable_ != nullptr; }
  void launch(cudaStream_t stream, const char* what) const {
    check(cudaGraphLaunch(executable_, stream), what);
  }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

/// Waits for the stream at the end of a scope, also where an error ends it: host memory that was
/// declared before and that copies under way write to lives until then.
class Drain {
 public:
  explicit Drain(cudaStream_t stream) : stream_(stream) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() { static_cast<void>(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_;
};

/// Blocks the host until the stream's work is done; `what` names that work, whose errors appear
/// here.
inline void synchronise(cudaStream_t stream, const char* what) {
  check(cudaStreamSynchronize(stream), what);
}

}  // namespace maskclass::cuda
