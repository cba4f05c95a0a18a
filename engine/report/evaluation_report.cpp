#include "engine/report/evaluation_report.h"
#include "engine/counted.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

namespace maskclass {
namespace {

using nlohmann::json;

/// Four decimals, or "-" where there is no value.
std::string rounded(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{:.4f}", *value) : "-";
}

std::string row(const std::string& name, const std::string& baseline, const std::string& denoised,
                const std::string& note = "") {
  return fmt::format("  {:<14}{:>14}{:>12}{}{}\n", name, baseline, denoised,
                     note.empty() ? "" : "   ", note);
}

std::string error_row(const std::string& name, const MeanSquaredError& baseline,
                      const MeanSquaredError& denoised, const std::string& note) {
  return row(name, rounded(baseline.mean()), rounded(denoised.mean()),
             fmt::format("{} ({} entries)", note, with_thousands(denoised.n_entries)));
}

std::string floor_rows(const DenoisingScores& scores, const simulate::BayesFloor& floor) {
  const double mse = floor.mse();
  return row("Bayes floor", "", rounded(mse),
             fmt::format("the least that keeps observed non-zeros: {:.4f} at zeros + {:.4f}",
                         floor.zeros, floor.nonzeros)) +
         row("MSE / floor", rounded(scores.baseline.all.mean() / mse),
             rounded(scores.denoised.all.mean() / mse));
}

std::string denoising_table(const DenoisingScores& scores,
                            const std::optional<simulate::BayesFloor>& floor) {
  std::string text = "\nAgainst the truth, log2(1 + normalised count)\n";
  text += row("", "not denoised", "denoised");
  text += error_row("MSE", scores.baseline.all, scores.denoised.all, "all");
  text += error_row("dropout-MSE", scores.baseline.dropout, scores.denoised.dropout,
                    "observed 0, truly expressed");
  text += error_row("biozero-MSE", scores.baseline.biozero, scores.denoised.biozero,
                    "truly not expressed");
  if (floor) text += floor_rows(scores, *floor);
  return text;
}

std::string biozero_table(const BiozeroScores& scores,
                          const std::optional<simulate::BayesFloor>& floor) {
  std::string text = fmt::format("\nProbability that a zero is biological ({} observed zeros)\n",
                                 with_thousands(scores.n_zeros));
  const std::string accuracy =
      scores.auc_error >= 5e-5 ? fmt::format(", to within {:.1e}", scores.auc_error) : "";
  text += row("AUC", "", rounded(scores.auc), "1 perfect, 0.5 chance" + accuracy);
  text += row("Brier score", "", rounded(scores.brier),
              floor ? fmt::format("the true posterior has {:.4f}", floor->brier) : "0 perfect");
  text += row("mean", "", rounded(scores.mean_probability),
              fmt::format("the true share is {:.4f}", scores.true_fraction));
  return text;
}

std::string cluster_table(const EvaluationReport& report) {
  const ClusteringScores& after = *report.clusters;
  const auto& before = report.baseline_clusters;
  const auto score_row = [&](const std::string& name, auto score, const std::string& note) {
    return row(name, before ? rounded(score(*before)) : "-", rounded(score(after)), note);
  };
  std::string text =
      fmt::format("\nAgainst {} labels: k-means with k = {} on {} principal components\n",
                  report.n_labels, report.n_clusters, after.n_components);
  text += row("", "not denoised", "denoised");
  text += score_row(
      "ARI", [](const auto& s) { return s.agreement.ari; }, "1 perfect, 0 chance");
  text += score_row(
      "NMI", [](const auto& s) { return s.agreement.nmi; }, "1 perfect");
  text += score_row(
      "purity", [](const auto& s) { return s.agreement.purity; }, "1 perfect");
  text += score_row(
      "ASW", [](const auto& s) { return s.silhouette; },
      "separation of the clusters found, -1 to 1");
  text += score_row(
      "variance kept", [](const auto& s) { return s.explained; }, "by the components");
  if (!after.converged || (before && !before->converged)) {
    text += "  k-means did not come to rest within its iterations\n";
  }
  return text;
}

json error_json(const DenoisingErrors& errors) {
  return {{"mse", errors.all.mean()},
          {"dropout_mse", errors.dropout.mean()},
          {"biozero_mse", errors.biozero.mean()}};
}

json denoising_json(const DenoisingScores& scores,
                    const std::optional<simulate::BayesFloor>& floor) {
  json result{{"denoised", error_json(scores.denoised)},
              {"baseline", error_json(scores.baseline)},
              {"entries", scores.denoised.all.n_entries},
              {"dropout_entries", scores.denoised.dropout.n_entries},
              {"biozero_entries", scores.denoised.biozero.n_entries}};
  if (!floor) return result;
  result["bayes_floor"] = {{"mse", floor->mse()},
                           {"zeros", floor->zeros},
                           {"nonzeros", floor->nonzeros},
                           {"brier", floor->brier}};
  result["denoised"]["mse_to_floor"] = scores.denoised.all.mean() / floor->mse();
  result["baseline"]["mse_to_floor"] = scores.baseline.all.mean() / floor->mse();
  return result;
}

json biozero_json(const BiozeroScores& scores) {
  return {{"auc", scores.auc},
          {"auc_error", scores.auc_error},
          {"brier", scores.brier},
          {"mean_probability", scores.mean_probability},
          {"true_fraction", scores.true_fraction},
          {"observed_zeros", scores.n_zeros}};
}

json cluster_json(const ClusteringScores& scores) {
  return {{"ari", scores.agreement.ari},          {"nmi", scores.agreement.nmi},
          {"purity", scores.agreement.purity},    {"asw", scores.silhouette},
          {"components", scores.n_components},    {"explained_variance", scores.explained},
          {"k_means_converged", scores.converged}};
}

}  // namespace

std::string evaluation_table(const std::string& path, const EvaluationReport& report,
                             const io::LoadedEvaluation& loaded) {
  std::string text = fmt::format("{}: {} cells x {} genes\n", path, with_thousands(report.n_cells),
                                 with_thousands(report.n_genes));
  if (report.denoising) text += denoising_table(*report.denoising, loaded.floor);
  if (report.denoising && report.denoising->biozero) {
    text += biozero_table(*report.denoising->biozero, loaded.floor);
  }
  if (report.clusters) text += cluster_table(report);
  return text;
}

std::string evaluation_json(const std::string& path, const EvaluationReport& report,
                            const io::LoadedEvaluation& loaded) {
  json result{{"file", path}, {"cells", report.n_cells}, {"genes", report.n_genes}};
  if (report.denoising) {
    result["truth"] = denoising_json(*report.denoising, loaded.floor);
    if (report.denoising->biozero) result["biozero"] = biozero_json(*report.denoising->biozero);
  }
  if (report.clusters) {
    json clusters{{"labels", loaded.label_names},
                  {"k", report.n_clusters},
                  {"denoised", cluster_json(*report.clusters)}};
    if (report.baseline_clusters) clusters["baseline"] = cluster_json(*report.baseline_clusters);
    result["clusters"] = clusters;
  }
  return result.dump() + "\n";
}

}  // namespace maskclass
