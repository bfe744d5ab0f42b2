// Batched singular value decomposition, one workgroup a matrix, float32 throughout: power-of-two scaling, Householder
// bidiagonalisation, every σ by bisection on the Golub–Kahan tridiagonal, inverse iteration for the r wanted vectors,
// back transformation. The plain form: correct, not yet fast. CPU twin: svd.cpu.ts.
//
// a [B, m, n]. The work is done on W [p, q], p ≥ q: a itself, or its transpose where m < n; then the left vectors of a
// are the right vectors of W. W = P·Bid·Qᵀ with Bid upper bidiagonal (d on the diagonal, e above it).

struct Shape {
  rows: u32, // m
  cols: u32, // n
  r: u32,
  stride: u32, // floats of scratch a matrix: svd.ts
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> sigma: array<f32>; // [B, q]
@group(0) @binding(2) var<storage, read_write> u: array<f32>; // [B, m, r]
@group(0) @binding(3) var<storage, read_write> bad: array<u32>; // [B]: 1 where a holds NaN or Inf
@group(0) @binding(4) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(5) var<uniform> s: Shape;

const WIDTH = 128u;
const BLOCK = 16u; // sums are kept by blocks, which keeps their rounding small
const TINY = 1e-30;

var<workgroup> fold: array<f32, 128>;
var<workgroup> peak: array<u32, 128>;

// Barriers of both memories: everything written before is seen by everyone after.
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

// Σ w[x + i·step_x]·w[y + i·step_y], i < count.
fn dot_of(x: u32, step_x: u32, y: u32, step_y: u32, count: u32) -> f32 {
  var sum = 0.0;
  for (var i0 = 0u; i0 < count; i0 += BLOCK) {
    var part = 0.0;
    for (var i = i0; i < min(i0 + BLOCK, count); i++) { part += w[x + i * step_x] * w[y + i * step_y]; }
    sum += part;
  }
  return sum;
}

// w[x + i·step_x] += f·w[y + i·step_y].
fn add_to(x: u32, step_x: u32, y: u32, step_y: u32, count: u32, f: f32) {
  for (var i = 0u; i < count; i++) { w[x + i * step_x] += f * w[y + i * step_y]; }
}

// A Householder reflection of the `count` ≥ 1 values at w[at], `step` apart. They become v (first entry 1), and
// (beta, tau) is returned: (I − tau v vᵀ) x = beta e₁.
fn reflect_at(t: u32, at: u32, step: u32, count: u32) -> vec2f {
  sync();
  var part = 0.0;
  for (var i = t + 1u; i < count; i += WIDTH) { part += w[at + i * step] * w[at + i * step]; }
  let tail = sum_all(t, part);
  let alpha = w[at];
  sync();
  let norm = sqrt(alpha * alpha + tail);
  var beta = select(norm, -norm, alpha >= 0.0);
  var tau = 0.0;
  if (tail > 0.0) {
    tau = (beta - alpha) / beta;
    for (var i = t + 1u; i < count; i += WIDTH) { w[at + i * step] /= alpha - beta; }
  } else {
    beta = alpha;
  }
  if (t == 0u) { w[at] = 1.0; }
  sync();
  return vec2f(beta, tau);
}

// How many eigenvalues of the Golub–Kahan tridiagonal (zero diagonal, off-diagonal w[gk …], order 2q) lie below x.
fn below(gk: u32, order: u32, x: f32) -> u32 {
  var count = 1u;
  var pivot = -x;
  for (var i = 0u; i + 1u < order; i++) {
    if (abs(pivot) < TINY) { pivot = -TINY; }
    pivot = -x - w[gk + i] * w[gk + i] / pivot;
    if (pivot < 0.0) { count += 1u; }
  }
  return count;
}

// A pseudo-random value in [−0.5, 0.5).
fn noise(i: u32, v: u32) -> f32 {
  var x = i * 2654435769u + v * 2246822519u + 374761393u;
  x = (x ^ (x >> 15u)) * 2246822519u;
  x = (x ^ (x >> 13u)) * 3266489917u;
  return f32((x ^ (x >> 16u)) >> 8u) / 16777216.0 - 0.5;
}

// Factors T − λI, T being the Golub–Kahan tridiagonal, with row interchanges, for vector v: five rows of w a level,
// [order, r] each: pivot, first and second above it, multiplier, whether the rows were swapped.
fn factor(gk: u32, order: u32, lambda: f32, lu: u32, v: u32) {
  let level = order * s.r;
  var diag = -lambda;
  var next = w[gk];
  for (var i = 0u; i + 1u < order; i++) {
    let low = w[gk + i];
    let next_below = select(0.0, w[gk + i + 1u], i + 2u < order);
    let at = lu + i * s.r + v;
    let swap = abs(diag) < abs(low);
    var f = 0.0;
    if (swap) {
      f = diag / low;
      w[at] = low;
      w[at + level] = -lambda;
      w[at + 2u * level] = next_below;
      diag = next + f * lambda;
      next = -f * next_below;
    } else {
      if (abs(diag) > 0.0) { f = low / diag; }
      w[at] = diag;
      w[at + level] = next;
      w[at + 2u * level] = 0.0;
      diag = -lambda - f * next;
      next = next_below;
    }
    w[at + 3u * level] = f;
    w[at + 4u * level] = select(0.0, 1.0, swap);
  }
  w[lu + (order - 1u) * s.r + v] = diag;
}

// Column v of z ← (T − λI)⁻¹ z, scaled to unit length. Pivots below `tiny` are raised to it.
fn solve(order: u32, lu: u32, z: u32, v: u32, tiny: f32) {
  let level = order * s.r;
  for (var i = 0u; i + 1u < order; i++) {
    let at = lu + i * s.r + v;
    let x = z + i * s.r + v;
    let f = w[at + 3u * level];
    let upper = w[x];
    let lower = w[x + s.r];
    if (w[at + 4u * level] > 0.0) {
      w[x] = lower;
      w[x + s.r] = upper - f * lower;
    } else {
      w[x + s.r] = lower - f * upper;
    }
  }
  var x1 = 0.0;
  var x2 = 0.0;
  var biggest = 0.0;
  for (var k = order; k > 0u; k--) {
    let at = lu + (k - 1u) * s.r + v;
    var sum = w[z + (k - 1u) * s.r + v];
    if (k < order) { sum -= w[at + level] * x1 + w[at + 2u * level] * x2; }
    var pivot = w[at];
    if (abs(pivot) < tiny) { pivot = select(tiny, -tiny, pivot < 0.0); }
    x2 = x1;
    x1 = sum / pivot;
    w[z + (k - 1u) * s.r + v] = x1;
    biggest = max(biggest, abs(x1));
  }
  var squares = 0.0;
  for (var i = 0u; i < order; i++) {
    let x = w[z + i * s.r + v] / biggest;
    w[z + i * s.r + v] = x;
    squares += x * x;
  }
  for (var i = 0u; i < order; i++) { w[z + i * s.r + v] /= sqrt(squares); }
}

// Takes from column v of z its parts along the columns before it, then makes it a unit vector. Returns the length it
// had left.
fn project_out(t: u32, z: u32, length: u32, v: u32, dots: u32) -> f32 {
  sync();
  for (var c = t; c < v; c += WIDTH) { w[dots + c] = dot_of(z + c, s.r, z + v, s.r, length); }
  sync();
  var squares = 0.0;
  for (var i = t; i < length; i += WIDTH) {
    var x = w[z + i * s.r + v];
    for (var c = 0u; c < v; c++) { x -= w[dots + c] * w[z + i * s.r + c]; }
    w[z + i * s.r + v] = x;
    squares += x * x;
  }
  let norm = sqrt(sum_all(t, squares));
  if (norm > 0.0) { for (var i = t; i < length; i += WIDTH) { w[z + i * s.r + v] /= norm; } }
  sync();
  return norm;
}

@compute @workgroup_size(128)
fn decompose(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let m = s.rows;
  let n = s.cols;
  let p = max(m, n);
  let q = min(m, n);
  let tall = m >= n;
  let order = 2u * q;
  let matrix = wg.x;
  let big = matrix * s.stride; // W [p, q]
  let tau_l = big + p * q; // [q]
  let tau_r = tau_l + q; // [q]
  let gk = tau_r + q; // d₁ e₁ d₂ e₂ … [2q]
  let dots = gk + order; // [r]
  let z = dots + s.r; // vectors [max(2q, m), r]
  let lu = z + max(order, m) * s.r; // 5 × [2q, r]

  // Largest magnitude by its bits, which also finds NaN and Inf.
  var largest = 0u;
  for (var i = t; i < m * n; i += WIDTH) { largest = max(largest, bitcast<u32>(a[matrix * m * n + i]) & 0x7fffffffu); }
  peak[t] = largest;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { peak[t] = max(peak[t], peak[t + half]); }
  }
  workgroupBarrier();
  if (t == 0u) { bad[matrix] = select(0u, 1u, peak[0] >= 0x7f800000u); }
  let exponent = clamp(i32(peak[0] >> 23u) - 127, -126, 126);
  let scale = bitcast<f32>(u32(127 - exponent) << 23u);
  let unscale = bitcast<f32>(u32(127 + exponent) << 23u);
  for (var i = t; i < p * q; i += WIDTH) {
    let from_a = select((i % q) * n + i / q, i, tall);
    w[big + i] = a[matrix * m * n + from_a] * scale;
  }

  for (var i = 0u; i < q; i++) {
    let corner = big + i * q + i;
    let left = reflect_at(t, corner, q, p - i);
    if (t == 0u) {
      w[gk + 2u * i] = left.x;
      w[gk + 2u * i + 1u] = 0.0;
      w[tau_l + i] = left.y;
      w[tau_r + i] = 0.0;
    }
    for (var j = t + 1u; j < q - i; j += WIDTH) {
      add_to(corner + j, q, corner, q, p - i, -left.y * dot_of(corner + j, q, corner, q, p - i));
    }
    if (i + 1u < q) {
      let right = reflect_at(t, corner + 1u, 1u, q - i - 1u);
      if (t == 0u) {
        w[gk + 2u * i + 1u] = right.x;
        w[tau_r + i] = right.y;
      }
      for (var k = t + 1u; k < p - i; k += WIDTH) {
        let row = corner + k * q + 1u;
        add_to(row, 1u, corner + 1u, 1u, q - i - 1u, -right.y * dot_of(row, 1u, corner + 1u, 1u, q - i - 1u));
      }
    }
    sync();
  }
  sync();

  // Bisection over the float's bits: every float of [0, bound] in 31 halvings.
  var bound = 0.0;
  for (var i = 0u; i < order; i++) {
    bound = max(bound, abs(w[gk + i]) + select(0.0, abs(w[gk + i - 1u]), i > 0u));
  }
  for (var j = t; j < q; j += WIDTH) {
    var lo = 0u;
    var hi = bitcast<u32>(bound * 1.001 + TINY);
    for (var turn = 0u; turn < 32u && hi - lo > 1u; turn++) {
      let mid = (lo + hi) / 2u;
      // q of the 2q values are ≤ 0; σ_j is below x once the q − j smallest are.
      if (below(gk, order, bitcast<f32>(mid)) >= order - j) { hi = mid; } else { lo = mid; }
    }
    sigma[matrix * q + j] = bitcast<f32>(lo) * unscale;
    if (j < s.r) {
      factor(gk, order, bitcast<f32>(lo), lu, j);
      for (var i = 0u; i < order; i++) { w[z + i * s.r + j] = noise(i, j); }
    }
  }
  let tiny = max(bound * 6e-8, TINY);
  for (var turn = 0u; turn < 3u; turn++) {
    for (var v = t; v < s.r; v += WIDTH) { solve(order, lu, z, v, tiny); }
    for (var v = 0u; v < s.r; v++) {
      project_out(t, z, order, v, dots);
      project_out(t, z, order, v, dots);
    }
  }

  // The wanted half of each vector (z holds right, left, right, left …), carried back through the reflections.
  sync();
  for (var v = t; v < s.r; v += WIDTH) {
    for (var i = 0u; i < q; i++) { w[z + i * s.r + v] = w[z + (2u * i + select(0u, 1u, tall)) * s.r + v]; }
    for (var i = q; i < m; i++) { w[z + i * s.r + v] = 0.0; }
    for (var k = q; k > 0u; k--) {
      let i = k - 1u;
      let corner = big + i * q + i;
      if (tall) {
        let x = z + i * s.r + v;
        add_to(x, s.r, corner, q, p - i, -w[tau_l + i] * dot_of(x, s.r, corner, q, p - i));
      } else if (i + 1u < q) {
        let x = z + (i + 1u) * s.r + v;
        let count = q - i - 1u;
        add_to(x, s.r, corner + 1u, 1u, count, -w[tau_r + i] * dot_of(x, s.r, corner + 1u, 1u, count));
      }
    }
  }

  // Orthonormal once more; a column that is only rounding (its length should be √½) is drawn anew, so that the basis
  // is complete.
  for (var v = 0u; v < s.r; v++) {
    sync();
    var squares = 0.0;
    for (var i = t; i < m; i += WIDTH) { squares += w[z + i * s.r + v] * w[z + i * s.r + v]; }
    var left = sqrt(sum_all(t, squares));
    for (var turn = 0u; turn < 3u; turn++) {
      if (left < 0.01) { for (var i = t; i < m; i += WIDTH) { w[z + i * s.r + v] = noise(i, v + 77u + turn); } }
      left = project_out(t, z, m, v, dots);
    }
  }

  for (var v = t; v < s.r; v += WIDTH) {
    var biggest = 0.0;
    var sign = 1.0;
    for (var i = 0u; i < m; i++) {
      let x = w[z + i * s.r + v];
      if (abs(x) > biggest) {
        biggest = abs(x);
        sign = select(1.0, -1.0, x < 0.0);
      }
    }
    for (var i = 0u; i < m; i++) { u[(matrix * m + i) * s.r + v] = sign * w[z + i * s.r + v]; }
  }
}
