#include "kernels/cuda/runtime/stream.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "kernels/cuda/runtime/memory.h"
#include "tests/cuda/add_one.h"
#include "tests/cuda/caught.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::test::add_one;
using maskclass::test::check_throws;

namespace {

constexpr int kN = 100;

/// Numbers on the device that start at 0.
struct Counters {
  explicit Counters(cudaStream_t stream) : context{stream}, array(kN, context) {
    array.clear(context, "clear");
  }
  /// All of them, which must be equal.
  int value() const {
    std::vector<int> values(kN, -1);
    array.download(values, context, "download");
    synchronise(context.stream, "download");
    CHECK(values == std::vector<int>(kN, values[0]));
    return values[0];
  }
  Context context;
  DeviceArray<int> array;
};

}  // namespace

TEST_CASE("a captured graph does its work when it is launched, each time") {
  Stream stream;
  const Counters counters(stream.get());
  Graph graph(stream.get(), [&](cudaStream_t s) {
    for (int k = 0; k < 3; ++k) add_one(counters.array.data(), kN, s);
  });
  CHECK(counters.value() == 0);
  graph.launch(stream.get(), "graph");
  graph.launch(stream.get(), "graph");
  CHECK(counters.value() == 6);

  Graph other;
  CHECK(!other);
  other = std::move(graph);
  CHECK(other);
  other.launch(stream.get(), "graph");
  CHECK(counters.value() == 9);
}

TEST_CASE("a capture that throws leaves the stream as it was") {
  Stream stream;
  const Counters counters(stream.get());
  const auto check_usable = [&] {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
    check(cudaStreamIsCapturing(stream.get(), &status), "capture status");
    CHECK(status == cudaStreamCaptureStatusNone);
    CHECK(cudaGetLastError() == cudaSuccess);
    const int before = counters.value();
    add_one(counters.array.data(), kN, stream.get());
    CHECK(counters.value() == before + 1);
  };

  SUBCASE("by the caller's own exception") {
    CHECK_THROWS_AS(Graph(stream.get(),
                          [&](cudaStream_t s) {
                            add_one(counters.array.data(), kN, s);
                            throw std::runtime_error("the caller's");
                          }),
                    std::runtime_error);
    check_usable();
  }
  SUBCASE("by a call that a capture does not allow") {
    check_throws(Fault::failed, {"waiting in a capture"}, [&] {
      Graph(stream.get(), [&](cudaStream_t s) {
        add_one(counters.array.data(), kN, s);
        synchronise(s, "waiting in a capture");
      });
    });
    check_usable();
  }
  SUBCASE("by such a call whose error is not looked at") {
    check_throws(Fault::failed, {"capturing a graph"}, [&] {
      Graph(stream.get(), [&](cudaStream_t s) {
        add_one(counters.array.data(), kN, s);
        static_cast<void>(cudaStreamSynchronize(s));
      });
    });
    check_usable();
  }
}

TEST_CASE("the legacy stream cannot be captured, and says so") {
  check_throws(Fault::failed, {"capturing a graph"}, [] { Graph(nullptr, [](cudaStream_t) {}); });
}

TEST_CASE("a stream waits for an event of another") {
  Stream first;
  Stream second;
  const Counters counters(first.get());
  PinnedArray<int> back(kN);
  Event is_done;
  for (int round = 1; round <= 3; ++round) {
    add_one(counters.array.data(), kN, first.get());
    is_done.record(first.get());
    is_done.make_wait(second.get());
    counters.array.download(back.span(), {second.get()}, "download");
    Event is_copied;
    is_copied.record(second.get());
    is_copied.wait("copy");
    CHECK(back.data()[kN - 1] == round);
  }
}
