#ifndef SUITES_H
#define SUITES_H
/* clang-format off */
/* The suites of the runner: tests/test_<name>.c defines <name>_suite(). Lowest layer first. */
#define SUITES(X) \
  X(base) X(rng) X(kernel) X(process) X(mixture) X(dataset) X(toys) X(metric_kernels) X(mlp) X(net) \
  X(score) X(trainer) X(own_data) X(scheme) X(sampler) X(metrics)
/* clang-format on */
#endif
