#include <optional>
#include <string>
#include <utility>

#include "engine/counted.h"
#include "engine/denoise_state.h"
#include "engine/model/initial_weights.h"
#include "engine/train/early_stop.h"

namespace maskclass {

namespace {

/// Entries that the calibrated variant and --early-stop set aside while they train.
constexpr double kHeldOutShare = 0.05;

}  // namespace

void Denoiser::State::train_on(Backend& on, const TrainingOptions& training, EnsembleMember& member,
                               const AfterEpoch& after_epoch, const Callbacks& callbacks) const {
  on.set_parameters(initial_weights(shape(), training.seed));
  member.history =
      maskclass::train(on, cell_ids, options.n_epochs, training, callbacks, after_epoch);
  member.parameters = on.parameters();
}

/// The network that is trained is in the backend afterwards.
EnsembleMember Denoiser::State::train_member(std::int32_t number, const Callbacks& callbacks) {
  TrainingOptions training = options.training;
  training.seed += static_cast<std::uint64_t>(number);
  EnsembleMember member;
  if (sets_entries_aside()) {
    train_without_held_out(training, member, callbacks);
  } else if (number == 0) {
    train_on(*backend, training, member, {}, callbacks);
  } else {  // A backend has one seed.
    train_on(*further_backend(scaled_data(), training), training, member, {}, callbacks);
  }
  return member;
}

/// Trains without the entries that are set aside, then gives the backend that network.
void Denoiser::State::train_without_held_out(const TrainingOptions& training,
                                             EnsembleMember& member, const Callbacks& callbacks) {
  const CsrView counts = input.counts.view();
  const HeldOut held_out = hold_out(kHeldOutShare, training.seed, cell_ids, n_genes());
  const Thinned thinned = without(held_out, counts, input.scaled);
  ScaledData data = scaled_data();
  data.indptr = thinned.indptr;
  data.indices = thinned.indices;
  data.scaled = thinned.scaled;
  const std::unique_ptr<Backend> on_thinned = further_backend(data, training);
  if (options.early_stop) {
    EarlyStop stop(*on_thinned, thinned, input);
    train_on(
        *on_thinned, training, member, [&](std::int32_t done) { return stop.after_epoch(done); },
        callbacks);
    const std::int32_t best = stop.restore_best();
    member.parameters = on_thinned->parameters();
    log_line(callbacks, "early stop: " + counted(std::ssize(member.history), "epoch") +
                            " trained, " +
                            (best > 0 ? "the network after epoch " + std::to_string(best) +
                                            " taken (mean squared error at entries set aside " +
                                            std::to_string(stop.best_error()) + ")"
                                      : "too few for a check"));
  } else {
    train_on(*on_thinned, training, member, {}, callbacks);
  }
  if (!options.calibrated) return;
  backend->set_parameters(member.parameters);
  member.calibration = calibrated::calibrate(
      {counts, input.library_sizes, held_out, thinned, *on_thinned, *backend, options.latent},
      {training.seed, n_threads}, callbacks);
}

namespace {

/// Progress and messages of one network of the ensemble as those of the whole.
Callbacks member_callbacks(std::int32_t number, std::int32_t n_members,
                           const Callbacks& callbacks) {
  if (n_members == 1) return callbacks;
  const std::string name = "network " + std::to_string(number + 1);
  Callbacks of_member;
  if (callbacks.progress) {
    of_member.progress = [=, report = callbacks.progress](Progress progress) {
      progress.done += number * progress.total;
      progress.total *= n_members;
      progress.detail = name + "/" + std::to_string(n_members) + ", " + progress.detail;
      return report(progress);
    };
  }
  if (callbacks.log) {
    of_member.log = [=, log = callbacks.log](const std::string& line) { log(name + ": " + line); };
  }
  return of_member;
}

}  // namespace

void Denoiser::train(const Callbacks& callbacks) {
  State& state = *state_;
  state.members.clear();
  if (n_cells() < state.options.training.batch_size) {
    log_line(callbacks, counted(n_cells(), "cell") + ": fewer than a batch of " +
                            std::to_string(state.options.training.batch_size) +
                            ", so every step takes all of them");
  }
  std::vector<EnsembleMember> members;
  for (std::int32_t number = 0; number < state.options.ensemble; ++number) {
    members.push_back(
        state.train_member(number, member_callbacks(number, state.options.ensemble, callbacks)));
  }
  state.backend->set_parameters(members[0].parameters);
  state.members = std::move(members);
}

}  // namespace maskclass
