// Tucker projection (LoRi §3.2) and its transpose. x [B, M, L, H], uL [B or 1, L, rL], uH [B or 1, H, rH],
// g [B, M, rL·rH]. CPU twin: projection.cpu.ts.

struct Shape {
  batch: u32,
  rows: u32, // M
  layers: u32, // L, at most 64
  hidden: u32, // H
  rank_l: u32,
  rank_h: u32, // at most 512
  per_sample: u32,
  pieces: u32, // of 32 columns (project) or 512 hidden entries (transposed)
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // hidden states, or dg in `transposed`
@group(0) @binding(1) var<storage, read> u_l: array<f32>;
@group(0) @binding(2) var<storage, read> u_h: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // g, or dx in `transposed`
@group(0) @binding(4) var<uniform> s: Shape;

const COLUMNS = 32u;
var<workgroup> mid: array<f32, 2048>; // 64 layers × 32 columns

// One workgroup per row (b, m) and 32 columns of U_H: first each layer is projected onto the columns, then onto U_L.
@compute @workgroup_size(64)
fn project(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let job = wg.y * n.x + wg.x;
  let row = job / s.pieces;
  let c0 = (job % s.pieces) * COLUMNS;
  let alive = row < s.batch * s.rows;
  let width = min(COLUMNS, s.rank_h - c0);
  let sample = select(0u, row / s.rows, s.per_sample == 1u);
  if (alive) {
    for (var at = t; at < s.layers * width; at += 64u) {
      let l = at / width;
      let c = at % width;
      let start = (row * s.layers + l) * s.hidden;
      let column = sample * s.hidden * s.rank_h + c0 + c;
      var sum = 0.0;
      for (var h0 = 0u; h0 < s.hidden; h0 += 32u) {
        var part = 0.0;
        for (var h = h0; h < min(h0 + 32u, s.hidden); h++) { part += x[start + h] * u_h[column + h * s.rank_h]; }
        sum += part;
      }
      mid[l * COLUMNS + c] = sum;
    }
  }
  workgroupBarrier();
  if (alive) {
    for (var at = t; at < s.rank_l * width; at += 64u) {
      let a = at / width;
      let c = at % width;
      var sum = 0.0;
      for (var l = 0u; l < s.layers; l++) {
        sum += u_l[(sample * s.layers + l) * s.rank_l + a] * mid[l * COLUMNS + c];
      }
      out[row * s.rank_l * s.rank_h + a * s.rank_h + c0 + c] = sum;
    }
  }
}

const SPAN = 512u;
// An array of its own, because every workgroup starts by clearing what its entry point uses.
var<workgroup> weights: array<f32, 512>; // dg's row times U_L's row ℓ: one weight per column of U_H

// One workgroup per (b, m, l) and 512 hidden entries.
@compute @workgroup_size(64)
fn transposed(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let job = wg.y * n.x + wg.x;
  let line = job / s.pieces; // (b·M + m)·L + l
  let h0 = (job % s.pieces) * SPAN;
  let alive = line < s.batch * s.rows * s.layers;
  let row = line / s.layers;
  let sample = select(0u, row / s.rows, s.per_sample == 1u);
  if (alive) {
    for (var c = t; c < s.rank_h; c += 64u) {
      var sum = 0.0;
      for (var a = 0u; a < s.rank_l; a++) {
        let weight = u_l[(sample * s.layers + line % s.layers) * s.rank_l + a];
        sum += weight * x[(row * s.rank_l + a) * s.rank_h + c];
      }
      weights[c] = sum;
    }
  }
  workgroupBarrier();
  if (!alive) { return; }
  for (var h = h0 + t; h < min(h0 + SPAN, s.hidden); h += 64u) {
    var sum = 0.0;
    for (var c0 = 0u; c0 < s.rank_h; c0 += 32u) {
      var part = 0.0;
      for (var c = c0; c < min(c0 + 32u, s.rank_h); c++) {
        part += weights[c] * u_h[(sample * s.hidden + h) * s.rank_h + c];
      }
      sum += part;
    }
    out[line * s.hidden + h] = sum;
  }
}
