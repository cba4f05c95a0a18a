#include "engine/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

namespace maskclass {
namespace {

int processors_in_affinity_mask() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return CPU_COUNT(&mask);
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// Path of this process's control group below /sys/fs/cgroup (version 2), or empty.
std::string control_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("0::", 0) == 0) return line.substr(3);
  }
  return "";
}

/// Processors that the quota of one control group allows, rounded up; no quota is infinity.
double quota_of(const std::string& folder) {
  const double none = std::numeric_limits<double>::infinity();
  std::string quota;
  double period = 0;
  if (std::ifstream file(folder + "/cpu.max"); file >> quota >> period) {  // version 2
    return quota == "max" || period <= 0 ? none : std::stod(quota) / period;
  }
  double microseconds = 0;
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");  // version 1
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  if (quota_file >> microseconds && period_file >> period && microseconds > 0 && period > 0) {
    return microseconds / period;
  }
  return none;
}

/// The smallest quota of this process's control group and of all groups above it.
double processors_in_quota() {
  const std::string root = "/sys/fs/cgroup";
  double quota = std::min(quota_of(root), quota_of(root + "/cpu"));
  for (std::string group = control_group(); group.size() > 1;) {
    quota = std::min(quota, quota_of(root + group));
    group.resize(group.find_last_of('/'));
  }
  return quota;
}

}  // namespace

int default_thread_count() {
  const double processors =
      std::min<double>(processors_in_affinity_mask(), std::ceil(processors_in_quota()));
  return std::max(1, static_cast<int>(processors));
}

}  // namespace maskclass
