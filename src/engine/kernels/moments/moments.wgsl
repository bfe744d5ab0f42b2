// Moments of projected rows (LoRi §3.2): g [B, M, R] → mu [B, R], c [B, R, R] = GᵀG / M, not centred.
// CPU twin: moments.cpu.ts. Sums are kept in blocks of 16 rows, which keeps float32 within 1e-5 up to M = 2000 and is
// the same from run to run.

struct Shape {
  batch: u32,
  rows: u32,
  rank: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read_write> mu: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> s: Shape;

const T = 16u;

// One thread per element of mu; workgroups fold (B·R / 64) into x and y.
@compute @workgroup_size(64)
fn mean(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let at = (wg.y * n.x + wg.x) * 64u + t;
  if (at >= s.batch * s.rank) { return; }
  let first = (at / s.rank) * s.rows * s.rank + at % s.rank;
  var sum = 0.0;
  for (var m0 = 0u; m0 < s.rows; m0 += T) {
    var part = 0.0;
    for (var m = m0; m < min(m0 + T, s.rows); m++) { part += g[first + m * s.rank]; }
    sum += part;
  }
  mu[at] = sum / f32(s.rows);
}

var<workgroup> left: array<f32, 256>;
var<workgroup> right: array<f32, 256>;

// One workgroup per 16 × 16 tile of one sample's C: x, y tile, z sample. C is symmetric: tiles above its diagonal are
// written by those below it.
@compute @workgroup_size(16, 16)
fn second(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_id) t: vec3u) {
  if (wg.x > wg.y) { return; }
  let i = wg.y * T + t.y;
  let j = wg.x * T + t.x;
  let first = wg.z * s.rows * s.rank;
  var sum = 0.0;
  for (var m0 = 0u; m0 < s.rows; m0 += T) {
    let row = m0 + t.y;
    let li = wg.y * T + t.x;
    var a = 0.0;
    var b = 0.0;
    if (row < s.rows) {
      if (li < s.rank) { a = g[first + row * s.rank + li]; }
      if (j < s.rank) { b = g[first + row * s.rank + j]; }
    }
    left[t.y * T + t.x] = a;
    right[t.y * T + t.x] = b;
    workgroupBarrier();
    var part = 0.0;
    for (var k = 0u; k < T; k++) { part += left[k * T + t.y] * right[k * T + t.x]; }
    sum += part;
    workgroupBarrier();
  }
  if (i < s.rank && j < s.rank) {
    let value = sum / f32(s.rows);
    c[(wg.z * s.rank + i) * s.rank + j] = value;
    if (wg.x < wg.y) { c[(wg.z * s.rank + j) * s.rank + i] = value; }
  }
}
