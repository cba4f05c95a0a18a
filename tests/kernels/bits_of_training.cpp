#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "engine/model/initial_weights.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/instruction_set.h"
#include "tests/kernels/made_up_data.h"

/// Trains small networks and prints checksums over every byte of what comes out, to compare
/// instruction sets, compilers and machines (docs/determinism.md): the output but for its first
/// line, the instruction set, must be the same on all that have a fused multiply-add.
///
///   bits_of_training          prints
///   bits_of_training <file>   prints, compares with the file, and returns 0 where all is equal, 1
///                             where not, and kSkipped without a fused multiply-add
namespace {

using namespace maskclass;

constexpr int kSkipped = 77;

struct Case {
  std::int64_t n_cells;
  std::int32_t n_genes;
  std::int32_t hidden;
  std::int32_t latent;
  std::int32_t batch_size;
  float biozero_weight;
  std::uint32_t n_epochs = 2;
  /// Masks so rare that Adam's moments decay into denormal numbers, which count as zero.
  bool rare_masks = false;
  Schedule schedule = Schedule::dense;
};

/// The paper's widths and batch; widths that are no multiple of a vector; a last batch that is
/// smaller; one cell and one gene; one slice of genes, several, and wider ones.
constexpr Case kCases[] = {
    {70, 200, 64, 32, 32, 1.0f},
    {70, 200, 64, 32, 32, 0.0f},
    {50, 101, 64, 32, 50, 1.0f},
    {50, 101, 64, 32, 50, 0.0f},
    {33, 26, 20, 7, 13, 1.0f},
    {33, 26, 20, 7, 13, 0.0f},
    {7, 25, 65, 33, 48, 0.5f},
    {17, 24, 16, 16, 16, 1.0f},
    {1, 1, 1, 1, 32, 1.0f},
    {20, 1600, 24, 11, 9, 1.0f},
    {20, 1600, 24, 11, 9, 0.0f},
    {33, 26, 20, 7, 1, 1.0f},
    {33, 26, 20, 7, 1, 0.0f, 20, true},
    {70, 200, 64, 32, 32, 1.0f, 2, false, Schedule::sparse},
    {70, 200, 64, 32, 32, 0.0f, 2, false, Schedule::sparse},
    {33, 26, 20, 7, 13, 0.0f, 2, false, Schedule::sparse},
    {7, 25, 65, 33, 48, 0.5f, 2, false, Schedule::sparse},
    {20, 1600, 24, 11, 9, 0.0f, 2, false, Schedule::sparse},
    {33, 26, 20, 7, 1, 0.0f, 20, true, Schedule::sparse},
};

/// 64-bit FNV-1a over the bytes of float32 and float64 values.
class Checksum {
 public:
  template <typename T>
  void add(const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t k = 0; k < values.size() * sizeof(T); ++k) {
      hash_ = (hash_ ^ bytes[k]) * 0x100000001b3u;
    }
  }

  void add(const Parameters& parameters) {
    for (const BlockParameters& block : parameters.blocks) {
      for (const auto* array : {&block.weight, &block.bias, &block.gain, &block.shift}) add(*array);
    }
    add(parameters.output_weight);
    add(parameters.output_bias);
  }

  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash_));
    return digits;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

template <typename... Values>
std::string checksum(const Values&... values) {
  Checksum sum;
  (sum.add(values), ...);
  return sum.text();
}

/// Gains and shifts differ from their starting values.
Parameters start_of(const NetworkShape& shape) {
  Parameters parameters = initial_weights(shape, 5);
  for (BlockParameters& block : parameters.blocks) {
    for (std::size_t k = 0; k < block.gain.size(); ++k) {
      block.gain[k] = 0.75f + 0.0625f * static_cast<float>(k % 9);
      block.shift[k] = 0.03125f * static_cast<float>(k % 7) - 0.09375f;
    }
  }
  return parameters;
}

/// One line a case and array.
void run(const Case& c, std::ostream& out) {
  const test::MadeUpData made_up(c.n_cells, c.n_genes);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.batch_size = c.batch_size;
  options.biozero_weight = c.biozero_weight;
  options.learning_rate = 1e-3;
  options.seed = 0x123456789abcdefu;
  options.schedule = c.schedule;
  options.mask_zero = 0.25f;  // more masked zeros than the paper's, to see them in small data
  if (c.rare_masks) {
    options.mask_zero = 0.01f;
    options.mask_nonzero = 0.01;
    options.beta1 = 0.5;
  }
  const NetworkShape shape{c.n_genes, c.hidden, c.latent};
  const auto backend = cpu::make_cpu_backend(data, shape, options, 1);
  backend->set_parameters(start_of(shape));
  std::vector<std::uint32_t> order(static_cast<std::size_t>(c.n_cells));
  std::iota(order.rbegin(), order.rend(), 0);
  std::vector<double> losses;
  for (std::uint32_t epoch = 0; epoch < c.n_epochs; ++epoch) {
    const EpochLoss loss = backend->train_epoch(epoch, order, {});
    losses.insert(losses.end(), {loss.masked, loss.biozero});
  }
  const OptimizerState state = backend->optimizer_state();
  std::vector<float> log2(static_cast<std::size_t>(c.n_cells) * c.n_genes);
  std::vector<float> latent(static_cast<std::size_t>(c.n_cells) * c.latent);
  backend->reconstruct(0, c.n_cells, log2.data(), latent.data());

  out << "case " << c.n_cells << " cells, " << c.n_genes << " genes, " << c.hidden << '-'
      << c.latent << ", batch " << c.batch_size << ", gamma " << c.biozero_weight << ", "
      << c.n_epochs << " epochs" << (c.rare_masks ? ", rare masks" : "")
      << (c.schedule == Schedule::sparse ? ", sparse" : "") << '\n'
      << "  loss           " << checksum(losses) << '\n'
      << "  parameters     " << checksum(backend->parameters()) << '\n'
      << "  first moment   " << checksum(state.first_moment) << '\n'
      << "  second moment  " << checksum(state.second_moment) << '\n'
      << "  reconstruction " << checksum(log2) << '\n'
      << "  latent         " << checksum(latent) << '\n';
}

/// Older instruction sets round the product as well: their bits differ.
bool has_fused_multiply_add(const std::string& instruction_set) {
  for (const char* name : {"AVX2", "AVX3", "NEON"}) {
    if (instruction_set.starts_with(name)) return true;
  }
  return false;
}

/// Compares line by line and says which lines differ.
bool equal(const std::string& ours, std::istream& file) {
  std::istringstream our_lines(ours);
  std::string our_line;
  std::string line;
  std::string heading;
  bool all = true;
  while (std::getline(our_lines, our_line)) {
    if (our_line.starts_with("case")) heading = our_line;
    if (std::getline(file, line) && line == our_line) continue;
    std::cout << "DIFFERS: " << heading << "\n  expected " << line << "\n  got      " << our_line
              << '\n';
    all = false;
  }
  return all && !std::getline(file, line);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string instruction_set = cpu::instruction_set();
  std::cout << "instruction set " << instruction_set << '\n';
  if (argc > 1 && !has_fused_multiply_add(instruction_set)) {
    std::cout << "skipped: without a fused multiply-add the bits are others\n";
    return kSkipped;
  }
  std::ostringstream out;
  for (const Case& c : kCases) run(c, out);
  std::cout << out.str();
  if (argc == 1) return 0;
  std::ifstream file(argv[1]);
  if (!file) {
    std::cerr << "cannot read " << argv[1] << '\n';
    return 1;
  }
  return equal(out.str(), file) ? 0 : 1;
}
