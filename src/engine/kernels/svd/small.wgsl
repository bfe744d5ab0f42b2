// Batched singular value decomposition, the shorter side q ≤ 128, float32 throughout, four dispatches:
//   reduce   power-of-two scaling, Householder bidiagonalisation: W = P·Bid·Qᵀ, d on the diagonal of Bid, e above it
//   values   every σ by bisection on the bits of a float
//   vectors  inverse iteration on the Golub–Kahan tridiagonal for the r wanted vectors
//   back     the reflections applied to them, orthonormal columns, signs
// W [p, q], p ≥ q, is a [m, n], or its transpose if m < n; then the left vectors of a are the right vectors of W.
// One workgroup per matrix (`values`: several). CPU twin: svd.cpu.ts.

struct Shape {
  rows: u32, // m
  cols: u32, // n
  r: u32,
  stride: u32, // floats of scratch per matrix; the rest are offsets within them (small.ts)
  line: u32, // W is kept [p + 4, line], line ≥ q; the surplus is zero
  v: u32, // 2 × [p + 4]: the left reflection pending, and the next
  x: u32, // [p + 4]: W times the right reflection pending
  tau: u32, // [q]
  bid: u32, // d₁ e₁ d₂ e₂ … [2q]
  lambda: u32, // σ of the scaled matrix [q], and the scale
  width: u32, // r, or the next multiple of 16
  z: u32, // vectors [max(2q, m), width]
  lu: u32, // 4 × [2q, width]
}

override WIDTH = 256u; // threads
override LANES = 16u; // of them, along the columns; WIDTH / LANES along the rows
const MAX_SIDE = 128u; // q
const BLOCK = 16u; // sums are kept in blocks, which keeps their rounding small
const TINY = 1e-30;

var<workgroup> fold: array<f32, 256>;

// Barriers for both memories: everything written before is visible to all threads after.
fn sync() {
  storageBarrier();
  workgroupBarrier();
}

// The sum over the workgroup, given to every thread.
fn sum_all(t: u32, x: f32) -> f32 {
  sync();
  fold[t] = x;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { fold[t] += fold[t + half]; }
  }
  workgroupBarrier();
  return fold[0];
}

fn power_of_two(e: i32) -> f32 { return bitcast<f32>(u32(127 + e) << 23u); }
