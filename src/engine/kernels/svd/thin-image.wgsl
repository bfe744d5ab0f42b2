// Entry point image of thin.wgsl: one workgroup per tall matrix.

@group(0) @binding(0) var<storage, read> a: array<f32>; // [B, K, k]
@group(0) @binding(1) var<storage, read> w: array<f32>; // V [k, r], σ [k] and the scale, as `finish` left them
@group(0) @binding(2) var<storage, read_write> u: array<f32>; // [B, K, r]
@group(0) @binding(3) var<uniform> s: Shape;

const BLOCK = 32u;

var<workgroup> v: array<f32, 1024>;
var<workgroup> fold: array<f32, WIDTH>;
var<workgroup> weak: u32;

fn sync() {
  storageBarrier();
  workgroupBarrier();
}

fn sum_all(t: u32, x: f32) -> f32 {
  sync();
  fold[t] = x;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < WIDTH; i++) { total += fold[i]; }
  return total;
}

// A thread's share of the product of columns b and c of u, summed in blocks.
fn share(t: u32, base: u32, b: u32, c: u32) -> f32 {
  var sum = 0.0;
  for (var i0 = t; i0 < s.length; i0 += WIDTH * BLOCK) {
    var block = 0.0;
    for (var i = i0; i < min(s.length, i0 + WIDTH * BLOCK); i += WIDTH) {
      block += u[base + i * s.r + b] * u[base + i * s.r + c];
    }
    sum += block;
  }
  return sum;
}

// Subtracts from column c of u its components along those before it, and makes it a unit vector. Returns its length before.
fn project_out(t: u32, base: u32, c: u32) -> f32 {
  for (var b = 0u; b < c; b++) {
    let dot = sum_all(t, share(t, base, b, c));
    for (var i = t; i < s.length; i += WIDTH) { u[base + i * s.r + c] -= dot * u[base + i * s.r + b]; }
  }
  let norm = sqrt(sum_all(t, share(t, base, c, c)));
  if (norm > 0.0) { for (var i = t; i < s.length; i += WIDTH) { u[base + i * s.r + c] /= norm; } }
  return norm;
}

@compute @workgroup_size(WIDTH)
fn image(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let base = wg.x * s.length * s.r;
  for (var i = t; i < s.k * s.r; i += WIDTH) { v[i] = w[wg.x * s.stride + i]; }
  workgroupBarrier();
  let sigma = wg.x * s.stride + s.k * s.r;
  let scale = w[sigma + s.k];
  for (var i = t; i < s.length; i += WIDTH) {
    for (var c = 0u; c < s.r; c++) {
      var total = Pair(0.0, 0.0);
      for (var j = 0u; j < s.k; j++) {
        let p = two_product(a[wg.x * s.length * s.k + i * s.k + j] * scale, v[j * s.r + c]);
        let sum = two_sum(total.hi, p.hi);
        total = Pair(sum.hi, total.lo + (sum.lo + p.lo));
      }
      u[base + i * s.r + c] = total.hi + total.lo;
    }
  }
  for (var c = 0u; c < s.r; c++) {
    // An image shorter than float32 resolves is only rounding: it is redrawn at random.
    if (t == 0u) { weak = select(0u, 1u, !(w[sigma + c] > w[sigma] * 1e-7)); }
    if (workgroupUniformLoad(&weak) == 1u) {
      for (var i = t; i < s.length; i += WIDTH) { u[base + i * s.r + c] = noise(i, c); }
      project_out(t, base, c);
    }
    project_out(t, base, c);
    project_out(t, base, c);
    project_out(t, base, c);
  }
  sync();
  for (var c = t; c < s.r; c += WIDTH) {
    var biggest = 0.0;
    var sign = 1.0;
    for (var i = 0u; i < s.length; i++) {
      let x = u[base + i * s.r + c];
      if (abs(x) > biggest) {
        biggest = abs(x);
        sign = select(1.0, -1.0, x < 0.0);
      }
    }
    if (sign < 0.0) { for (var i = 0u; i < s.length; i++) { u[base + i * s.r + c] *= -1.0; } }
  }
}
