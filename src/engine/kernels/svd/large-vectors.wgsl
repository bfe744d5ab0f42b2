// The r vectors: orthonormalised, transformed back through the reflections, signed and written.

@group(0) @binding(0) var<storage, read> reflectors: array<f32>;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
@group(0) @binding(2) var<storage, read_write> vectors: array<f32>;
@group(0) @binding(3) var<storage, read_write> u: array<f32>; // [B, m, r]
@group(0) @binding(4) var<uniform> s: Shape;

// Threads per vector. A software adapter pays for every thread that waits at a barrier.
override lanes: u32 = 64u;
const BLOCK = 16u; // sums are kept in blocks, which keeps their rounding small
// Threshold for the length, √½, of a half that is kept: below it there is only rounding.
const LOST = 0.01;

var<workgroup> fold: array<vec2f, 64>;

fn sum_all(t: u32, x: vec2f) -> vec2f {
  workgroupBarrier();
  fold[t] = x;
  workgroupBarrier();
  var sum = vec2f(0.0);
  for (var k = 0u; k < lanes; k++) { sum += fold[k]; }
  return sum;
}

fn start_of(matrix: u32, v: u32) -> u32 { return matrix * s.vectors_size + v * max(2u * s.q, s.m); }

// Subtracts from each vector after vector i its component along it (Gram–Schmidt, by rows), `c` entries long.
@compute @workgroup_size(lanes)
fn project(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let x = start_of(wg.z, s.i);
  let y = start_of(wg.z, s.i + 1u + wg.x);
  var part = vec2f(0.0);
  for (var k0 = t; k0 < s.c; k0 += BLOCK * lanes) {
    var block = vec2f(0.0);
    for (var k = k0; k < min(k0 + BLOCK * lanes, s.c); k += lanes) {
      block += vectors[x + k] * vec2f(vectors[x + k], vectors[y + k]);
    }
    part += block;
  }
  let sum = sum_all(t, part);
  let f = select(0.0, sum.y / sum.x, sum.x > 0.0);
  for (var k = t; k < s.c; k += lanes) { vectors[y + k] -= f * vectors[x + k]; }
}

// Scales each vector, `c` entries long, to unit length. In the final passes, i > 0, vectors that are only rounding are
// redrawn at random, so that the basis is complete.
@compute @workgroup_size(lanes)
fn unit(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let x = start_of(wg.z, wg.x);
  var squares = 0.0;
  for (var k0 = t; k0 < s.c; k0 += BLOCK * lanes) {
    var block = 0.0;
    for (var k = k0; k < min(k0 + BLOCK * lanes, s.c); k += lanes) { block += vectors[x + k] * vectors[x + k]; }
    squares += block;
  }
  let norm = sqrt(sum_all(t, vec2f(squares)).x);
  if (s.i > 0u && norm < LOST) {
    for (var k = t; k < s.c; k += lanes) { vectors[x + k] = noise(k, wg.x + 77u * s.i); }
  } else if (norm > 0.0) {
    for (var k = t; k < s.c; k += lanes) { vectors[x + k] /= norm; }
  }
}

// The requested half of each vector of T, whose entries alternate right, left, right, left …; then zeros up to m.
@compute @workgroup_size(lanes)
fn halve(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let x = start_of(wg.z, wg.x);
  let side = select(0u, 1u, s.m >= s.n);
  // Entry i comes from 2i or 2i + 1: within a round everything is read before anything is written, and later rounds read
  // further on.
  for (var i0 = 0u; i0 < s.m; i0 += lanes) {
    let i = i0 + t;
    var value = 0.0;
    if (i < s.q) { value = vectors[x + 2u * i + side]; }
    storageBarrier();
    if (i < s.m) { vectors[x + i] = value; }
    storageBarrier();
  }
}

// Applies the `c` reflections before number i, last first, to each vector.
@compute @workgroup_size(lanes)
fn carry_back(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let x = start_of(wg.z, wg.x);
  let o = wg.z * s.scalars_size;
  let tall = s.m >= s.n;
  let ld = select(s.ldq, s.ldp, tall);
  let first = wg.z * reflectors_size(s) + select(s.held * s.ldp, 0u, tall);
  let taus = o + select(s.tau_r, s.tau_l, tall);
  for (var k = s.i; k > s.i - s.c; k--) {
    let h = first + (k - 1u) * ld;
    let head = select(k, k - 1u, tall);
    // A thread keeps to its own entries, so only the sums need barriers.
    let begin = head / lanes * lanes + t;
    var part = 0.0;
    for (var j = begin; j < s.m; j += lanes) {
      if (j >= head) { part += vectors[x + j] * select(reflectors[h + j], 1.0, j == head); }
    }
    let f = scalars[taus + k - 1u] * sum_all(t, vec2f(part)).x;
    for (var j = begin; j < s.m; j += lanes) {
      if (j >= head) { vectors[x + j] -= f * select(reflectors[h + j], 1.0, j == head); }
    }
  }
}

// Makes the entry of largest magnitude in each column positive; one thread per column finds it.
@compute @workgroup_size(lanes)
fn write_out(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let x = start_of(wg.z, wg.x);
  var best = vec2f(0.0);
  for (var k = t; k < s.m; k += lanes) {
    if (abs(vectors[x + k]) > abs(best.x)) { best = vec2f(vectors[x + k], f32(k)); }
  }
  fold[t] = best;
  workgroupBarrier();
  best = vec2f(0.0);
  for (var k = 0u; k < lanes; k++) {
    let other = fold[k];
    let larger = abs(other.x) > abs(best.x) || (abs(other.x) == abs(best.x) && other.y < best.y);
    best = select(best, other, larger);
  }
  let sign = select(1.0, -1.0, best.x < 0.0);
  for (var k = t; k < s.m; k += lanes) { u[(wg.z * s.m + k) * s.r + wg.x] = sign * vectors[x + k]; }
}
