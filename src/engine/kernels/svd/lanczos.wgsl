// Golub–Kahan–Lanczos: an orthonormal basis of each side, vector i being W times vector i of the other side (or the one
// before), orthogonalised twice against all before it; then the Ritz vectors. In quads; padding is zero and stays zero.

@group(0) @binding(0) var<storage, read_write> reflectors: array<vec4f>;
@group(0) @binding(1) var<storage, read> panel: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> scalars: array<f32>;
@group(0) @binding(3) var<storage, read_write> vectors: array<f32>;
@group(0) @binding(4) var<uniform> s: Shape;

// Threads per sum. A software adapter pays for every thread that waits at a barrier.
override lanes: u32 = 64u;

var<workgroup> fold: array<f32, 64>;

fn quads() -> u32 { return select(s.ldp, s.ldq, s.side > 0u) / 4u; }
fn place(matrix: u32, number: u32) -> u32 {
  return (matrix * reflectors_size(s) + select(0u, s.held * s.ldp, s.side > 0u)) / 4u + number * quads();
}

// Quad k of W u (side 0) or Wᵀv (side 1), summed over its parts.
fn image(matrix: u32, k: u32) -> vec4f {
  let pan = matrix * s.panel_size / 4u;
  var sum = vec4f(0.0);
  if (s.side > 0u) {
    let chunks = (s.ldp + s.chunk - 1u) / s.chunk;
    for (var part = 0u; part < chunks; part++) { sum += panel[pan + s.part / 4u + part * s.ldq / 4u + k]; }
  } else {
    for (var part = 0u; part < 16u; part++) { sum += panel[pan + s.raw / 4u + part * s.ldp / 4u + k]; }
  }
  return sum;
}

// Vector i: noise.
@compute @workgroup_size(64)
fn begin(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  if (k >= quads()) { return; }
  let index = 4u * k + vec4u(0u, 1u, 2u, 3u);
  let value = vec4f(noise(index.x, s.i), noise(index.y, s.i), noise(index.z, s.i), noise(index.w, s.i));
  reflectors[place(id.z, s.i) + k] = select(vec4f(0.0), value, index < vec4u(select(s.p, s.q, s.side > 0u)));
}

// Vector i: the product just made.
@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < quads()) { reflectors[place(id.z, s.i) + id.x] = image(id.z, id.x); }
}

// Subtracts from vector i its components along the c before it, which are in `dots`.
@compute @workgroup_size(64)
fn subtract(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= quads()) { return; }
  let dots = id.z * s.scalars_size + s.dots + 3u * s.width * s.side;
  let at = place(id.z, s.i) + id.x;
  var value = reflectors[at];
  for (var c = 0u; c < s.c; c++) { value -= scalars[dots + c] * reflectors[place(id.z, s.i - s.c + c) + id.x]; }
  reflectors[at] = value;
}

fn sum_all(t: u32, x: f32) -> f32 {
  fold[t] = x;
  workgroupBarrier();
  var sum = 0.0;
  for (var k = 0u; k < lanes; k++) { sum += fold[k]; }
  return sum;
}

// Vector i to unit length; the length goes to `norms`. One workgroup.
@compute @workgroup_size(lanes)
fn scale(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let at = place(wg.z, s.i);
  var squares = 0.0;
  for (var k = t; k < quads(); k += lanes) { squares += dot(reflectors[at + k], reflectors[at + k]); }
  let norm = sqrt(sum_all(t, squares));
  let factor = select(0.0, 1.0 / norm, norm > 0.0);
  for (var k = t; k < quads(); k += lanes) { reflectors[at + k] *= factor; }
  if (t == 0u) { scalars[wg.z * s.scalars_size + s.norms + s.side * s.held + s.i] = norm; }
}

// Vectors i … i + r − 1: combinations of the first c. Those of the requested side also go to `vectors`.
@compute @workgroup_size(64)
fn combine(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  if (k >= quads()) { return; }
  let row = id.z * s.scalars_size + s.coefficients + (s.side * s.r + id.y) * s.held;
  var sum = vec4f(0.0);
  for (var c0 = 0u; c0 < s.c; c0 += 16u) {
    var part = vec4f(0.0);
    for (var c = c0; c < min(c0 + 16u, s.c); c++) { part += scalars[row + c] * reflectors[place(id.z, c) + k]; }
    sum += part;
  }
  reflectors[place(id.z, s.i + id.y) + k] = sum;
  if ((s.side == 0u) == (s.m >= s.n)) {
    let z = id.z * s.vectors_size + id.y * max(2u * s.q, s.m) + 4u * k;
    for (var lane = 0u; lane < min(4u, s.m - 4u * k); lane++) { vectors[z + lane] = sum[lane]; }
  }
}

// ‖Wᵀv − σu‖ for pair i + c; side 1.
@compute @workgroup_size(lanes)
fn residual(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let o = wg.z * s.scalars_size;
  let at = place(wg.z, s.i);
  var squares = 0.0;
  for (var k = t; k < quads(); k += lanes) {
    let x = image(wg.z, k) - scalars[o + s.ritz + s.c] * reflectors[at + k];
    squares += dot(x, x);
  }
  let norm = sqrt(sum_all(t, squares));
  if (t == 0u) { scalars[o + s.residuals + s.c] = norm; }
}
