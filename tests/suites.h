#ifndef SUITES_H
#define SUITES_H
/* clang-format off */
/* The suites of the runner: tests/test_<name>.c defines <name>_suite(). Lowest layer first. */
#define SUITES(X) \
  X(base) X(rng) X(kernel) X(kernel_clock) X(process) X(memory) X(grid) X(mixture) X(dataset) X(dataset_files) \
  X(toys) X(ising) X(metric_kernels) X(images_parse) X(images) X(statistics) X(mlp) X(net) X(score) \
  X(pullback) X(trainer) X(losses) X(scheme) X(sampler) X(metrics) X(density) X(forms) X(ising_data) \
  X(likelihood) X(clock) X(sampler_parts) X(orders) X(metric_bins) X(metric_transport) X(metrics_ranks) \
  X(metrics_command) X(metrics_pairs) X(metrics_shape) X(compare) X(compare_words) X(own_data) X(fisher) \
  X(rhm_grammar) X(rhm_propagate) X(rhm_statistics) X(rhm_leaves) X(rhm_command) X(speciation) X(covariance) \
  X(uturn) X(rhm_theory)
/* clang-format on */
#endif
