// Entry point reduce of small.wgsl. Column i is reduced by a reflection v from the left, row i by u from the right:
// W ← W − v yᵀ − x uᵀ, y = τ Wᵀv, x = τ' (W − v yᵀ) u. The update is deferred to the next step, where one sweep over W
// applies it and computes the next y; a second sweep, which only reads, computes x.

@group(0) @binding(0) var<storage, read> a: array<f32>; // [B, m, n]
@group(0) @binding(1) var<storage, read_write> bad: array<u32>; // [B]: 1 where a holds NaN or Inf
@group(0) @binding(2) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(3) var<uniform> s: Shape;

const ROOM = 2048u;

var<workgroup> peak: array<u32, 256>;
var<workgroup> part: array<f32, ROOM>;
var<workgroup> y: array<f32, MAX_SIDE>;
var<workgroup> u: array<f32, MAX_SIDE>;

// (beta, tau, divisor) of the reflection that takes (alpha, rest of squared length tail) to (beta, 0).
fn reflection(alpha: f32, tail: f32) -> vec3f {
  if (!(tail > 0.0)) { return vec3f(alpha, 0.0, 1.0); }
  let norm = sqrt(alpha * alpha + tail);
  let beta = select(norm, -norm, alpha >= 0.0);
  return vec3f(beta, (beta - alpha) / beta, alpha - beta);
}

@compute @workgroup_size(WIDTH)
fn reduce(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let m = s.rows;
  let n = s.cols;
  let p = max(m, n);
  let q = min(m, n);
  let tall = m >= n;
  let line = s.line;
  let mine = wg.x * s.stride;
  let lane = t % LANES;
  let row = t / LANES;
  let ROWS = WIDTH / LANES;

  // Largest magnitude by its bits, which also finds NaN and Inf.
  var largest = 0u;
  for (var i = t; i < m * n; i += WIDTH) { largest = max(largest, bitcast<u32>(a[wg.x * m * n + i]) & 0x7fffffffu); }
  peak[t] = largest;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { peak[t] = max(peak[t], peak[t + half]); }
  }
  workgroupBarrier();
  let exponent = clamp(i32(peak[0] >> 23u) - 127, -126, 126);
  let scale = power_of_two(-exponent);
  if (t == 0u) {
    bad[wg.x] = select(0u, 1u, peak[0] >= 0x7f800000u);
    w[mine + s.lambda + q] = power_of_two(exponent);
  }
  for (var i = row; i < p + 4u; i += ROWS) {
    for (var j = lane; j < line; j += LANES) {
      var value = 0.0;
      if (i < p && j < q) { value = a[wg.x * m * n + select(j * n + i, i * n + j, tall)] * scale; }
      w[mine + i * line + j] = value;
    }
  }
  for (var i = t; i < 3u * (p + 4u); i += WIDTH) { w[mine + s.v + i] = 0.0; }
  for (var j = t; j < MAX_SIDE; j += WIDTH) {
    y[j] = 0.0;
    u[j] = 0.0;
  }
  sync();

  for (var i = 0u; i < q; i++) {
    let v_old = mine + s.v + (i % 2u) * (p + 4u);
    let v_new = mine + s.v + (1u - i % 2u) * (p + 4u);
    let x = mine + s.x;

    // Column i, brought up to date, and its reflection.
    var squares = 0.0;
    for (var k0 = i + t; k0 < p; k0 += WIDTH * BLOCK) {
      var block = 0.0;
      for (var k = k0; k < min(p, k0 + WIDTH * BLOCK); k += WIDTH) {
        let value = w[mine + k * line + i] - w[v_old + k] * y[i] - w[x + k] * u[i];
        w[v_new + k] = value;
        if (k > i) { block += value * value; }
      }
      squares += block;
    }
    let tail = sum_all(t, squares);
    let left = reflection(w[v_new + i], tail);
    sync();
    for (var k = i + t; k < p; k += WIDTH) {
      let value = select(w[v_new + k] / left.z, 1.0, k == i);
      w[v_new + k] = value;
      if (tall) { w[mine + k * line + i] = value; }
    }
    if (t == 0u) {
      w[mine + s.bid + 2u * i] = left.x;
      w[mine + s.bid + 2u * i + 1u] = 0.0;
      if (tall) { w[mine + s.tau + i] = left.y; }
    }
    sync();
    if (i + 1u == q) { break; }

    // First sweep: the pending update, and Wᵀv. Columns up to i have y = u = 0 and do not change.
    if (t == 0u) {
      y[i] = 0.0;
      u[i] = 0.0;
    }
    workgroupBarrier();
    let first = (i + 1u) / (4u * LANES) * 4u * LANES;
    for (var j = first + lane; j < line; j += 4u * LANES) {
      let at = mine + j;
      let y4 = vec4f(y[j], y[j + LANES], y[j + 2u * LANES], y[j + 3u * LANES]);
      let u4 = vec4f(u[j], u[j + LANES], u[j + 2u * LANES], u[j + 3u * LANES]);
      var total = vec4f();
      for (var k0 = i + row; k0 < p; k0 += ROWS * BLOCK) {
        var block = vec4f();
        for (var k = k0; k < min(p, k0 + ROWS * BLOCK); k += ROWS) {
          let o = at + k * line;
          let value = vec4f(w[o], w[o + LANES], w[o + 2u * LANES], w[o + 3u * LANES]) - w[v_old + k] * y4 - w[x + k] * u4;
          w[o] = value.x;
          w[o + LANES] = value.y;
          w[o + 2u * LANES] = value.z;
          w[o + 3u * LANES] = value.w;
          block += w[v_new + k] * value;
        }
        total += block;
      }
      let to = row * MAX_SIDE + j;
      part[to] = total.x;
      part[to + LANES] = total.y;
      part[to + 2u * LANES] = total.z;
      part[to + 3u * LANES] = total.w;
    }
    sync();

    // y, and row i with its reflection.
    var row_squares = 0.0;
    for (var j = i + 1u + t; j < q; j += WIDTH) {
      var total = 0.0;
      for (var l = 0u; l < ROWS; l++) { total += part[l * MAX_SIDE + j]; }
      y[j] = left.y * total;
      let value = w[mine + i * line + j] - y[j];
      u[j] = value;
      if (j > i + 1u) { row_squares += value * value; }
    }
    let row_tail = sum_all(t, row_squares);
    let right = reflection(u[i + 1u], row_tail);
    workgroupBarrier();
    for (var j = i + 1u + t; j < q; j += WIDTH) {
      let value = select(u[j] / right.z, 1.0, j == i + 1u);
      u[j] = value;
      if (!tall) { w[mine + i * line + j] = value; }
    }
    if (t == 0u) {
      w[mine + s.bid + 2u * i + 1u] = right.x;
      if (!tall) { w[mine + s.tau + i] = right.y; }
    }
    workgroupBarrier();

    // Second sweep: x = τ' (W u − v (y·u)), a stretch of rows at a time.
    let stretch = ROOM / LANES;
    for (var k0 = i + 1u; k0 < p; k0 += stretch) {
      for (var k = k0 + row * 4u; k < min(p, k0 + stretch); k += ROWS * 4u) {
        var total = vec4f();
        let v4 = vec4f(w[v_new + k], w[v_new + k + 1u], w[v_new + k + 2u], w[v_new + k + 3u]);
        for (var j = (i + 1u) / LANES * LANES + lane; j < line; j += LANES) {
          let o = mine + k * line + j;
          total += (vec4f(w[o], w[o + line], w[o + 2u * line], w[o + 3u * line]) - v4 * y[j]) * u[j];
        }
        let to = (k - k0) * LANES + lane;
        part[to] = total.x;
        part[to + LANES] = total.y;
        part[to + 2u * LANES] = total.z;
        part[to + 3u * LANES] = total.w;
      }
      workgroupBarrier();
      for (var k = k0 + t; k < min(p, k0 + stretch); k += WIDTH) {
        var total = 0.0;
        for (var l = 0u; l < LANES; l++) { total += part[(k - k0) * LANES + l]; }
        w[x + k] = right.y * total;
      }
      sync();
    }
  }
}
