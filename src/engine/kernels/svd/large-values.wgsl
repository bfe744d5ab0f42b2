// From the bidiagonal matrix: all values, and the first r vectors of the Golub–Kahan tridiagonal T, which has order 2q, a
// zero diagonal, off-diagonal d₁ e₁ d₂ e₂ …, and eigenvalues ±σ.

@group(0) @binding(0) var<storage, read> peaks: array<u32>;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
@group(0) @binding(2) var<storage, read_write> sigma: array<f32>; // [B, q]
// z [r, ldz], ldz = max(2q, m); values [r]; lu 5 × [2q, r].
@group(0) @binding(3) var<storage, read_write> vectors: array<f32>;
@group(0) @binding(4) var<uniform> s: Shape;

const TINY = 1e-30;

// How many eigenvalues of T lie below x.
fn below(gk: u32, order: u32, x: f32) -> u32 {
  var count = 1u;
  var pivot = -x;
  for (var i = 0u; i + 1u < order; i++) {
    if (abs(pivot) < TINY) { pivot = -TINY; }
    pivot = -x - scalars[gk + i] * scalars[gk + i] / pivot;
    if (pivot < 0.0) { count += 1u; }
  }
  return count;
}

// No eigenvalue is larger (Gershgorin).
fn bound_of(gk: u32, order: u32) -> f32 {
  var bound = 0.0;
  for (var i = 0u; i < order; i++) {
    bound = max(bound, abs(scalars[gk + i]) + select(0.0, abs(scalars[gk + max(i, 1u) - 1u]), i > 0u));
  }
  return bound;
}

// Bisection over the float's bits, one thread per value: 31 halvings cover every float in [0, bound].
@compute @workgroup_size(32)
fn bisect(@builtin(global_invocation_id) id: vec3u) {
  let j = id.x;
  if (j >= s.q) { return; }
  let o = id.z * s.scalars_size;
  let order = 2u * s.q;
  var low = 0u;
  var high = bitcast<u32>(bound_of(o + s.gk, order) * 1.001 + TINY);
  for (var turn = 0u; turn < 32u && high - low > 1u; turn++) {
    let mid = (low + high) / 2u;
    // q of the 2q values are ≤ 0; σ_j is below x once the q − j smallest are.
    if (below(o + s.gk, order, bitcast<f32>(mid)) >= order - j) { high = mid; } else { low = mid; }
  }
  let exponent = clamp(i32(peaks[id.z] >> 23u) - 127, -126, 126);
  sigma[id.z * s.q + j] = bitcast<f32>(low) * bitcast<f32>(u32(127 + exponent) << 23u);
  if (j < s.r) { vectors[id.z * s.vectors_size + s.r * max(2u * s.q, s.m) + j] = bitcast<f32>(low); }
}

// Factors T − σI with row interchanges, one thread per vector: pivot, first and second above it, multiplier, whether
// the rows were swapped. The vector starts as noise.
@compute @workgroup_size(64)
fn factor(@builtin(global_invocation_id) id: vec3u) {
  let v = id.x;
  if (v >= s.r) { return; }
  let gk = id.z * s.scalars_size + s.gk;
  let order = 2u * s.q;
  let ldz = max(order, s.m);
  let z = id.z * s.vectors_size + v * ldz;
  let values = id.z * s.vectors_size + s.r * ldz;
  let lu = values + s.r + v;
  let level = order * s.r;
  let lambda = vectors[values + v];
  var diag = -lambda;
  var next = scalars[gk];
  for (var i = 0u; i < order; i++) { vectors[z + i] = noise(i, v); }
  for (var i = 0u; i + 1u < order; i++) {
    let low = scalars[gk + i];
    // The entry after the last coupling is zero.
    let next_below = scalars[gk + i + 1u];
    let at = lu + i * s.r;
    let swap = abs(diag) < abs(low);
    var f = 0.0;
    if (swap) {
      f = diag / low;
      vectors[at] = low;
      vectors[at + level] = -lambda;
      vectors[at + 2u * level] = next_below;
      diag = next + f * lambda;
      next = -f * next_below;
    } else {
      if (abs(diag) > 0.0) { f = low / diag; }
      vectors[at] = diag;
      vectors[at + level] = next;
      vectors[at + 2u * level] = 0.0;
      diag = -lambda - f * next;
      next = next_below;
    }
    vectors[at + 3u * level] = f;
    vectors[at + 4u * level] = select(0.0, 1.0, swap);
  }
  vectors[lu + (order - 1u) * s.r] = diag;
}

// z ← (T − σI)⁻¹ z, scaled to unit length, one thread per vector. Pivots below rounding level are raised to it.
@compute @workgroup_size(64)
fn solve(@builtin(global_invocation_id) id: vec3u) {
  let v = id.x;
  if (v >= s.r) { return; }
  let order = 2u * s.q;
  let ldz = max(order, s.m);
  let z = id.z * s.vectors_size + v * ldz;
  let lu = id.z * s.vectors_size + s.r * ldz + s.r + v;
  let level = order * s.r;
  let tiny = max(vectors[id.z * s.vectors_size + s.r * ldz] * 6e-8, TINY);
  for (var i = 0u; i + 1u < order; i++) {
    let f = vectors[lu + i * s.r + 3u * level];
    let upper = vectors[z + i];
    let lower = vectors[z + i + 1u];
    let swap = vectors[lu + i * s.r + 4u * level] > 0.0;
    vectors[z + i] = select(upper, lower, swap);
    vectors[z + i + 1u] = select(lower - f * upper, upper - f * lower, swap);
  }
  var x1 = 0.0;
  var x2 = 0.0;
  var biggest = 0.0;
  for (var k = order; k > 0u; k--) {
    let at = lu + (k - 1u) * s.r;
    var sum = vectors[z + k - 1u];
    if (k < order) { sum -= vectors[at + level] * x1 + vectors[at + 2u * level] * x2; }
    var pivot = vectors[at];
    if (abs(pivot) < tiny) { pivot = select(tiny, -tiny, pivot < 0.0); }
    x2 = x1;
    x1 = sum / pivot;
    vectors[z + k - 1u] = x1;
    biggest = max(biggest, abs(x1));
  }
  // Only a chain of pivots at the floor could overflow; then restart from other noise.
  let overflow = bitcast<u32>(biggest) >= 0x7f800000u;
  var squares = 0.0;
  for (var i = 0u; i < order; i++) {
    let x = select(vectors[z + i] / biggest, noise(i, v + 13u), overflow);
    vectors[z + i] = x;
    squares += x * x;
  }
  let norm = sqrt(squares);
  for (var i = 0u; i < order; i++) { vectors[z + i] /= norm; }
}
