#include <fmt/core.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "engine/device/device.h"
#include "engine/threads.h"
#include "kernels/cpu/instruction_set.h"

namespace maskclass::cli {
namespace {

/// What this program is and what it runs on. The facts of the build come from CMakeLists.txt.
struct Info {
  std::string version = MASKCLASS_VERSION;
  std::string build_type = MASKCLASS_BUILD_TYPE;
  std::string compiler = MASKCLASS_COMPILER;
  std::string hdf5 = MASKCLASS_HDF5_VERSION;          ///< Empty: built without .h5ad files.
  std::string cuda_toolkit = MASKCLASS_CUDA_TOOLKIT;  ///< Empty: none was found.
  std::string processor;
  std::string instruction_set = cpu::instruction_set();
  int threads = default_thread_count();
  bool has_cuda = has_cuda_backend();
  GpuList gpus = find_gpus();
};

/// The model of the processor as Linux tells it; "processor" where it does not.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "processor";
}

void print_text(const Info& info) {
  fmt::print("maskclass {}\n\n", info.version);
  fmt::print("build            {}, {}\n", info.build_type, info.compiler);
  fmt::print(".h5ad files      {}\n",
             info.hdf5.empty() ? "no (built without HDF5)" : fmt::format("HDF5 {}", info.hdf5));
  fmt::print("CUDA toolkit     {}{}\n",
             info.cuda_toolkit.empty() ? "none found at build" : info.cuda_toolkit,
             info.has_cuda ? "" : "; built without CUDA");
  fmt::print("devices          cpu ({})\n", info.processor);
  for (const Gpu& gpu : info.gpus.gpus) {
    fmt::print("                 cuda:{} ({}, compute capability {}, {:.1f} GB)\n", gpu.index,
               gpu.name, gpu.capability(), static_cast<double>(gpu.memory_bytes) * 1e-9);
  }
  if (info.gpus.gpus.empty()) fmt::print("                 no GPU: {}\n", info.gpus.why_none);
  fmt::print("instruction set  {}\n", info.instruction_set);
  fmt::print("threads          {}\n", info.threads);
}

void print_json(const Info& info) {
  using nlohmann::ordered_json;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json(text);
  };
  ordered_json devices = {{{"kind", "cpu"},
                           {"name", info.processor},
                           {"instruction_set", info.instruction_set},
                           {"threads", info.threads}}};
  for (const Gpu& gpu : info.gpus.gpus) {
    devices.push_back({{"kind", "cuda"},
                       {"index", gpu.index},
                       {"name", gpu.name},
                       {"compute_capability", gpu.capability()},
                       {"memory_bytes", gpu.memory_bytes}});
  }
  const ordered_json json = {{"version", info.version},
                             {"build_type", info.build_type},
                             {"compiler", info.compiler},
                             {"hdf5", text_or_null(info.hdf5)},
                             {"cuda_toolkit", text_or_null(info.cuda_toolkit)},
                             {"cuda_backend", info.has_cuda},
                             {"why_no_gpu", text_or_null(info.gpus.why_none)},
                             {"devices", devices}};
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

void add_info(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("info", "Version, build options, instruction set, devices");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print one JSON object");
  command->footer("\nExample:\n  maskclass info --json");
  command->callback([as_json] {
    Info info;
    info.processor = processor_name();
    if (*as_json) {
      print_json(info);
    } else {
      print_text(info);
    }
  });
}

}  // namespace maskclass::cli
