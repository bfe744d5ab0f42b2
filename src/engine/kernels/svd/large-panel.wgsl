// The panel's steps of the blocked bidiagonalisation (LAPACK's LABRD): W is left as it was when the panel started, and
// the changes due to its columns, W − V Yᵀ − X Uᵀ, are applied only to the current column and row.
//
// Everything works in quads, starting with the one that holds the first entry needed: what precedes it in its quad is
// computed too, finite, and never used.

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> reflectors: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> panel: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>;
@group(0) @binding(4) var<uniform> s: Shape;

// A sum of squares below this counts as zero: squaring loses half of float32's exponents, and a reflection made from the
// remainder would not be orthogonal. W's largest entry is 1 … 2, so nothing significant is lost.
const SMALLEST_SQUARE = 1e-27;

// Threads per sum. A software adapter pays for every thread that waits at a barrier.
override lanes: u32 = 64u;

var<workgroup> fold: array<f32, 64>;

// Completes x_{i−1}, then reads column i: four rows per thread.
@compute @workgroup_size(64)
fn column_step(@builtin(global_invocation_id) id: vec3u) {
  let height = s.ldp / 4u;
  let width = s.ldq / 4u;
  let k = s.i / 4u + id.x;
  if (k >= height) { return; }
  let first = s.i - s.c;
  let big = id.z * s.ldp * width;
  let vs = id.z * reflectors_size(s) / 4u;
  let us = vs + s.held * height;
  let pan = id.z * s.panel_size / 4u;
  let o = id.z * s.scalars_size;
  let j = s.i / 4u;
  let lane = s.i % 4u;
  var x = vec4f(0.0);
  var value = vec4f(0.0);
  if (s.i < s.q) {
    let at = big + 4u * k * width + j;
    value = vec4f(w[at][lane], w[at + width][lane], w[at + 2u * width][lane], w[at + 3u * width][lane]);
  }
  if (s.c > 0u) {
    let last = s.c - 1u;
    for (var part = 0u; part < 16u; part++) { x += panel[pan + s.raw / 4u + part * height + k]; }
    for (var c = 0u; c < last; c++) {
      let v = reflectors[vs + (first + c) * height + k];
      let other = panel[pan + s.x / 4u + c * height + k];
      x -= v * scalars[o + s.dots + 2u * s.width + c] + other * scalars[o + s.dots + 3u * s.width + c];
      value -= v * panel[pan + s.y / 4u + c * width + j][lane] + other * reflectors[us + (first + c) * width + j][lane];
    }
    let v = reflectors[vs + (s.i - 1u) * height + k];
    x = scalars[o + s.tau_r + s.i - 1u] * (x - v * scalars[o + s.dots + 2u * s.width + last]);
    panel[pan + s.x / 4u + last * height + k] = x;
    // The first entry of u_{i−1} is 1.
    value -= v * panel[pan + s.y / 4u + last * width + j][lane] + x;
  }
  if (s.i < s.q) { reflectors[vs + s.i * height + k] = value; }
}

// Completes y_i, then reads row i: four columns per thread.
@compute @workgroup_size(64)
fn row_step(@builtin(global_invocation_id) id: vec3u) {
  let height = s.ldp / 4u;
  let width = s.ldq / 4u;
  let j = (s.i + 1u) / 4u + id.x;
  if (j >= width) { return; }
  let first = s.i - s.c;
  let big = id.z * s.ldp * width;
  let vs = id.z * reflectors_size(s) / 4u;
  let us = vs + s.held * height;
  let pan = id.z * s.panel_size / 4u;
  let o = id.z * s.scalars_size;
  let k = s.i / 4u;
  let lane = s.i % 4u;
  let chunks = (s.ldp - 4u * k + s.chunk - 1u) / s.chunk;
  var y = vec4f(0.0);
  for (var c = 0u; c < chunks; c++) { y += panel[pan + s.part / 4u + c * width + j]; }
  var value = w[big + s.i * width + j];
  for (var c = 0u; c < s.c; c++) {
    let other = panel[pan + s.y / 4u + c * width + j];
    let u = reflectors[us + (first + c) * width + j];
    y -= other * scalars[o + s.dots + c] + u * scalars[o + s.dots + s.width + c];
    value -= other * reflectors[vs + (first + c) * height + k][lane] + u * panel[pan + s.x / 4u + c * height + k][lane];
  }
  y *= scalars[o + s.tau_l + s.i];
  panel[pan + s.y / 4u + s.c * width + j] = y;
  reflectors[us + s.i * width + j] = value - y;
}

// Turns column i (side 0), or row i right of the diagonal (side 1), x, into a Householder vector v whose first entry is 1,
// with zeros before it in its quad: (I − tau v vᵀ) x = beta e₁. One workgroup.
@compute @workgroup_size(lanes)
fn reflect(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let is_row = s.side > 0u;
  let o = wg.z * s.scalars_size;
  let quads = select(s.ldp, s.ldq, is_row) / 4u;
  let head = select(s.i, s.i + 1u, is_row);
  let at = (wg.z * reflectors_size(s) + select(0u, s.held * s.ldp, is_row)) / 4u + s.i * quads;
  let alpha = reflectors[at + head / 4u][head % 4u];
  var squares = 0.0;
  for (var k = head / 4u + t; k < quads; k += lanes) {
    let index = 4u * k + vec4u(0u, 1u, 2u, 3u);
    let x = select(vec4f(0.0), reflectors[at + k], index > vec4u(head));
    squares += dot(x, x);
  }
  fold[t] = squares;
  storageBarrier();
  workgroupBarrier();
  var tail = 0.0;
  for (var k = 0u; k < lanes; k++) { tail += fold[k]; }
  let norm = sqrt(alpha * alpha + tail);
  var beta = select(norm, -norm, alpha >= 0.0);
  var tau = (beta - alpha) / beta;
  var factor = 1.0 / (alpha - beta);
  if (tail < SMALLEST_SQUARE) {
    beta = alpha;
    tau = 0.0;
    factor = 0.0;
  }
  if (t == 0u) {
    scalars[o + s.gk + 2u * s.i + s.side] = beta;
    scalars[o + select(s.tau_l, s.tau_r, is_row) + s.i] = tau;
  }
  for (var k = head / 4u + t; k < quads; k += lanes) {
    let index = 4u * k + vec4u(0u, 1u, 2u, 3u);
    let x = select(vec4f(0.0), reflectors[at + k] * factor, index > vec4u(head));
    reflectors[at + k] = select(x, vec4f(1.0), index == vec4u(head));
  }
}
