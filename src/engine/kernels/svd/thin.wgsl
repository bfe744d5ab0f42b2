// Batched singular value decomposition of thin matrices, the shorter side k ≤ 32, the longer side K of any length:
//   peak    the largest magnitude of each chunk of a matrix, by its bits
//   gram    G = X Xᵀ, X [k, K] being a or its transpose, in pairs of float32, split over K, 4 × 4 entries per thread
//   finish  G = L Lᵀ by pivoted Cholesky in pairs, then one-sided Jacobi on the columns of L in float32: L V = U Σ
//   image   the left vectors of a tall matrix, A V / Σ, orthonormalised again
// A Gram matrix squares the condition number, which float32 cannot afford but pairs (2⁻⁴⁷) can; pivoting grades the
// columns of L, and Jacobi then finds even small σ to float32's relative accuracy. CPU twin: svd.cpu.ts.

struct Shape {
  k: u32,
  length: u32, // K
  step_k: u32, // between entries of a along the short side
  step_l: u32, // and along the long side
  r: u32,
  chunks: u32, // chunks of K
  span: u32, // length of one, a multiple of the workgroup
  tiles: u32, // T(T + 1)/2, T = ⌈k / 4⌉: the 4 × 4 blocks of G's lower triangle
  stride: u32, // floats of scratch per matrix: thin.ts
  zero: u32, // 0, which the compiler must not know: see `hold`
}

// Floats, in the unit of the last place, that a sum or product loses.
struct Pair {
  hi: f32,
  lo: f32,
}

override WIDTH = 64u; // threads of peak, gram and image

// A value the compiler cannot see through: error terms below would otherwise simplify to zero where it may reassociate.
fn hold(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | s.zero); }
fn hold4(x: vec4f) -> vec4f { return bitcast<vec4f>(bitcast<vec4u>(x) | vec4u(s.zero)); }

// x rounded to 12 bits, so that products of two are exact. Rounded, not truncated: the remainder has either sign, and its
// sums stay small.
fn head(x: f32) -> f32 { return bitcast<f32>((bitcast<u32>(x) + 0x800u) & 0xfffff000u); }
fn head4(x: vec4f) -> vec4f { return bitcast<vec4f>((bitcast<vec4u>(x) + 0x800u) & vec4u(0xfffff000u)); }

// a + b and its rounding error, for any a and b (Knuth).
fn two_sum(a: f32, b: f32) -> Pair {
  let sum = hold(a + b);
  let part = hold(sum - a);
  return Pair(sum, (a - hold(sum - part)) + (b - part));
}

// The same if |a| ≥ |b| (Dekker).
fn quick_sum(a: f32, b: f32) -> Pair {
  let sum = hold(a + b);
  return Pair(sum, b - hold(sum - a));
}

fn two_product(a: f32, b: f32) -> Pair {
  let a1 = head(a);
  let b1 = head(b);
  let a2 = a - a1;
  let b2 = b - b1;
  let p = hold(a * b);
  return Pair(p, (hold(a1 * b1 - p) + a1 * b2) + a2 * b1 + a2 * b2);
}

fn add_pair(a: Pair, b: Pair) -> Pair {
  let sum = two_sum(a.hi, b.hi);
  return quick_sum(sum.hi, sum.lo + (a.lo + b.lo));
}

// a − b·c.
fn less_product(a: Pair, b: Pair, c: Pair) -> Pair {
  let p = two_product(b.hi, c.hi);
  let sum = two_sum(a.hi, -p.hi);
  return quick_sum(sum.hi, sum.lo + (a.lo - (p.lo + (b.hi * c.lo + b.lo * c.hi))));
}

fn root(a: Pair) -> Pair {
  if (!(a.hi > 0.0)) { return Pair(0.0, 0.0); }
  let x = sqrt(a.hi);
  let rest = less_product(a, Pair(x, 0.0), Pair(x, 0.0));
  return quick_sum(x, rest.hi / (2.0 * x));
}

fn quotient(a: Pair, b: Pair) -> Pair {
  let x = a.hi / b.hi;
  let rest = less_product(a, Pair(x, 0.0), b);
  return quick_sum(x, rest.hi / b.hi);
}

// A pseudo-random value in [−0.5, 0.5).
fn noise(i: u32, v: u32) -> f32 {
  var x = i * 2654435769u + v * 2246822519u + 374761393u;
  x = (x ^ (x >> 15u)) * 2246822519u;
  x = (x ^ (x >> 13u)) * 3266489917u;
  return f32((x ^ (x >> 16u)) >> 8u) / 16777216.0 - 0.5;
}

// The binary exponent of the matrix's largest magnitude, kept where 2^±e are normal floats.
fn exponent_of(bits: u32) -> i32 { return clamp(i32(bits >> 23u) - 127, -126, 126); }
fn power_of_two(e: i32) -> f32 { return bitcast<f32>(u32(127 + e) << 23u); }
