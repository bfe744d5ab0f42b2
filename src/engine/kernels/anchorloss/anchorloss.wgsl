// L_anchor (LoRi §3.3) and its gradient. h [B, L, H], target [B, L, r], u_h [H, r], layer_scale [L].
// CPU twin: anchorloss.cpu.ts.

struct Shape {
  batch: u32,
  layers: u32,
  hidden: u32,
  rank: u32, // at most 512
}

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> goal: array<f32>; // target [B, L, r]
@group(0) @binding(2) var<storage, read> u_h: array<f32>;
@group(0) @binding(3) var<storage, read> layer_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>; // [B]
@group(0) @binding(5) var<storage, read_write> dh: array<f32>; // [B, L, H]
@group(0) @binding(6) var<storage, read_write> partial: array<f32>; // [B, L]
@group(0) @binding(7) var<uniform> s: Shape;

var<workgroup> e: array<f32, 512>; // U_Hᵀ h/s − target of this layer
var<workgroup> fold: array<f32, 64>;

// One workgroup per (sample, layer): x layer, y sample.
@compute @workgroup_size(64)
fn gradient(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = wg.y * s.layers + wg.x;
  let scale = layer_scale[wg.x];
  var squares = 0.0;
  for (var c = t; c < s.rank; c += 64u) {
    var sum = 0.0;
    for (var q0 = 0u; q0 < s.hidden; q0 += 32u) {
      var part = 0.0;
      for (var q = q0; q < min(q0 + 32u, s.hidden); q++) { part += h[row * s.hidden + q] * u_h[q * s.rank + c]; }
      sum += part;
    }
    let d = sum / scale - goal[row * s.rank + c];
    e[c] = d;
    squares += d * d;
  }
  fold[t] = squares;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { fold[t] += fold[t + half]; }
  }
  workgroupBarrier();
  if (t == 0u) { partial[row] = fold[0]; }
  let weight = 2.0 / (f32(s.layers) * f32(s.batch) * scale);
  for (var q = t; q < s.hidden; q += 64u) {
    var sum = 0.0;
    for (var c0 = 0u; c0 < s.rank; c0 += 32u) {
      var part = 0.0;
      for (var c = c0; c < min(c0 + 32u, s.rank); c++) { part += u_h[q * s.rank + c] * e[c]; }
      sum += part;
    }
    dh[row * s.hidden + q] = weight * sum;
  }
}

// One thread per sample adds its layers, always in the same order.
@compute @workgroup_size(64)
fn total(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= s.batch) { return; }
  var sum = 0.0;
  for (var l = 0u; l < s.layers; l++) { sum += partial[id.x * s.layers + l]; }
  loss[id.x] = sum / f32(s.layers);
}
