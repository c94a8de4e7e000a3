#include "measure.h"

#include <algorithm>

namespace aldis::bench {

double percentile(Samples samples, double share) {
  if (samples.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(at), samples.end());
  return samples[at];
}

double time_once(const std::function<void()>& operation, std::size_t batch) {
  const SystemClock clock;
  const SteadyTime start = clock.steady_now();
  for (std::size_t i = 0; i < batch; ++i) operation();
  return static_cast<double>((clock.steady_now() - start).count()) / static_cast<double>(batch);
}

Pair alternate(const Work& ours, const Work& raw, std::size_t blocks, std::size_t block) {
  Pair pair;
  const auto run = [block](const Work& work, Samples& samples) {
    for (std::size_t i = 0; i < block; ++i) samples.push_back(time_once(work.operation));
    work.after_block();
  };
  for (std::size_t i = 0; i < blocks; ++i) {
    run(ours, pair.ours);
    run(raw, pair.raw);
  }
  return pair;
}

}  // namespace aldis::bench
