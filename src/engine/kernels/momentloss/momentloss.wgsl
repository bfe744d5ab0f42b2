// L_rationale (LoRi §3.2) and its gradient, without storing C_S. g [B, K, R], mu_t [B, R], c_t [B, R, R].
// CPU twin: momentloss.cpu.ts.

struct Shape {
  batch: u32,
  steps: u32, // K
  rank: u32, // R
  tiles: u32, // of 64 columns
  on_c: f32, // ω_C
  on_mu: f32, // ω_μ
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> mu_t: array<f32>;
@group(0) @binding(2) var<storage, read> c_t: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>; // [B]
@group(0) @binding(4) var<storage, read_write> terms: array<f32>; // [B, 2]
@group(0) @binding(5) var<storage, read_write> dg: array<f32>; // [B, K, R]
@group(0) @binding(6) var<storage, read_write> partial: array<f32>; // [B, tiles, 2]
@group(0) @binding(7) var<uniform> s: Shape;

const CHUNK = 16u; // latent steps whose gradient a thread holds at once
// Sums are kept in blocks: float32 stays within 1e-5 over 2000 steps and 512 columns even if all additions round alike.
const BLOCK = 16u;
var<workgroup> fold: array<vec2f, 64>;

// μ_S,j of the sample whose rows begin at `first`.
fn mean(first: u32, j: u32) -> f32 {
  var sum = 0.0;
  for (var q0 = 0u; q0 < s.steps; q0 += BLOCK) {
    var part = 0.0;
    for (var q = q0; q < min(q0 + BLOCK, s.steps); q++) { part += g[first + q * s.rank + j]; }
    sum += part;
  }
  return sum / f32(s.steps);
}

// C_S,ij.
fn second(first: u32, i: u32, j: u32) -> f32 {
  var sum = 0.0;
  for (var q0 = 0u; q0 < s.steps; q0 += BLOCK) {
    var part = 0.0;
    for (var q = q0; q < min(q0 + BLOCK, s.steps); q++) {
      let row = first + q * s.rank;
      part += g[row + i] * g[row + j];
    }
    sum += part;
  }
  return sum / f32(s.steps);
}

// x: 64 columns of D = C_S − C_T, y: sample, z: 16 latent steps. A thread owns column j: it goes through D's rows and sums
// (G D)_tj for its steps; the first z also sums the loss.
@compute @workgroup_size(64)
fn gradient(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let sample = wg.y;
  let j = wg.x * 64u + t;
  let first = sample * s.steps * s.rank;
  let t0 = wg.z * CHUNK;
  let width = min(CHUNK, s.steps - t0);
  var sums = vec2f(0.0); // ‖δ‖², ‖D‖²
  if (j < s.rank) {
    let delta = mean(first, j) - mu_t[sample * s.rank + j];
    sums.x = delta * delta;
    // Cleared explicitly: SwiftShader kept the previous iteration's values of variables declared inside a loop.
    var acc: array<f32, 16>;
    var part: array<f32, 16>;
    for (var q = 0u; q < CHUNK; q++) { acc[q] = 0.0; }
    for (var i0 = 0u; i0 < s.rank; i0 += BLOCK) {
      for (var q = 0u; q < CHUNK; q++) { part[q] = 0.0; }
      var squares = 0.0;
      for (var i = i0; i < min(i0 + BLOCK, s.rank); i++) {
        let d = second(first, i, j) - c_t[(sample * s.rank + i) * s.rank + j];
        squares += d * d;
        for (var q = 0u; q < width; q++) { part[q] += g[first + (t0 + q) * s.rank + i] * d; }
      }
      sums.y += squares;
      for (var q = 0u; q < width; q++) { acc[q] += part[q]; }
    }
    let scale = 1.0 / (f32(s.steps) * f32(s.batch));
    for (var q = 0u; q < width; q++) {
      dg[first + (t0 + q) * s.rank + j] = scale * (4.0 * s.on_c * acc[q] + 2.0 * s.on_mu * delta);
    }
  }
  fold[t] = sums;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { fold[t] += fold[t + half]; }
  }
  if (t == 0u && wg.z == 0u) {
    partial[(sample * s.tiles + wg.x) * 2u] = fold[0].x;
    partial[(sample * s.tiles + wg.x) * 2u + 1u] = fold[0].y;
  }
}

// One thread per sample adds its tiles, always in the same order.
@compute @workgroup_size(64)
fn total(@builtin(global_invocation_id) id: vec3u) {
  let sample = id.x;
  if (sample >= s.batch) { return; }
  var mean = 0.0;
  var cov = 0.0;
  for (var i = 0u; i < s.tiles; i++) {
    mean += partial[(sample * s.tiles + i) * 2u];
    cov += partial[(sample * s.tiles + i) * 2u + 1u];
  }
  loss[sample] = s.on_c * cov + s.on_mu * mean;
  terms[sample * 2u] = mean;
  terms[sample * 2u + 1u] = cov;
}
