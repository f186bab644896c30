#ifndef AD_EXPIMPL_H
#define AD_EXPIMPL_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "exp_negative must keep IEEE arithmetic: its bits would depend on the vector length"
#endif

/*
  exp_negative - e^x for x <= 0, to about one unit of the last place; 0 below -708

  Note: e^x = 2^m e^r, |r| <= log(2)/2, e^r = 1 + r + r^2 p(r) with minimax p (4e-18); m is left in the low
        bits of x log2(e) + 1.5 2^52. Written out: a library's vector and scalar forms differ in their bits.
*/
static inline double exp_negative(double x)
{
  const double shift = 0x1.8p52, bounded = x > -708.0 ? x : -708.0;
  const double shifted = fma(bounded, 1.4426950408889634, shift), m = shifted - shift;
  const double r = fma(m, -1.9082149292705877e-10, fma(m, -0.69314718036912382, bounded));
  double       p = 2.500007188186386e-08, power;
  uint64_t     bits;

  p = fma(p, r, 2.7630234008822465e-07);
  p = fma(p, r, 2.7557586268204458e-06);
  p = fma(p, r, 2.4801493135926241e-05);
  p = fma(p, r, 0.00019841269506776788);
  p = fma(p, r, 0.0013888888943597957);
  p = fma(p, r, 0.0083333333334943346);
  p = fma(p, r, 0.041666666666530267);
  p = fma(p, r, 0.16666666666666413);
  p = fma(p, r, 0.50000000000000111);
  p = fma(r * r, p, r);
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 52) + 0x3ff0000000000000u;
  memcpy(&power, &bits, sizeof power);
  return x > -708.0 ? fma(power, p, power) : 0.0;
}

#endif
