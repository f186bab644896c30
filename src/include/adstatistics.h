#ifndef AD_STATISTICS_H
#define AD_STATISTICS_H

/* Tests of means from a few repetitions, as pure kernels: no MPI, no allocation, no errors */

/*
  incomplete_beta - I_x(a, b), the regularised incomplete beta function

  Input:  a, b > 0, 0 <= x <= 1
  Source: continued fraction NIST DLMF 8.17.22, on the side of x where it converges fast; relative error below 1e-12
          for a, b < 1000
*/
double incomplete_beta(double a, double b, double x);

/* student_t_two_sided - P(|T| >= |t|) of Student's t with nu > 0 degrees of freedom (nu need not be whole). */
double student_t_two_sided(double t, double nu);

/* student_t_critical - the t with P(|T| >= t) = p, 0 < p < 1. */
double student_t_critical(double p, double nu);

/* Two means from independent repetitions whose variances may differ */
typedef struct {
  int    n[2];
  double mean[2], err[2]; /* standard error of each mean */
  double difference;      /* mean[1] - mean[0] */
  double stderr_diff;     /* of the difference */
  double nu;              /* degrees of freedom by Welch and Satterthwaite; 0 where both sets are constant */
  double p;               /* two-sided; NaN where a value is */
} WelchTest;

/*
  welch_test - do two sets of independent values have the same mean? (Welch 1947)

  Input:  a[na], b[nb], na, nb >= 2
  Note:   sets without any scatter differ for certain (p = 0) or not at all (p = 1)
*/
void welch_test(int na, const double *a, int nb, const double *b, WelchTest *test);

/* welch_halfwidth - the interval difference +- this holds the true difference with probability 1 - p. */
double welch_halfwidth(const WelchTest *test, double p);

/*
  holm_adjust - p values corrected for the number of tests (Holm 1979): below `level` after it, the chance of even one false
  rejection is at most `level`, whatever the dependence of the tests

  Input:  m, p[m]  NaN: no test, counts for nothing; work[m]
  Output: adjusted[m]
*/
void holm_adjust(int m, const double *p, int *work, double *adjusted);

#endif
