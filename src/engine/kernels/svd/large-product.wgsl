// The two products with all of W that each column needs, and the update of W that each panel needs.

@group(0) @binding(0) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(1) var<storage, read> reflectors: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> panel: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>;
@group(0) @binding(4) var<uniform> s: Shape;

// Threads per sum. A software adapter pays for every thread that waits at a barrier.
override lanes: u32 = 64u;

var<workgroup> fold: array<f32, 64>;

// Wᵀv_i, by chunks of rows: workgroup y takes one chunk, for 256 columns.
@compute @workgroup_size(64)
fn transpose_product(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let height = s.ldp / 4u;
  let width = s.ldq / 4u;
  let v = wg.z * reflectors_size(s) / 4u + s.i * height;
  let j = s.left + wg.x * 64u + t;
  if (j >= width) { return; }
  let begin = s.top + wg.y * (s.chunk / 4u);
  let end = min(begin + s.chunk / 4u, height);
  var at = wg.z * s.ldp * width + 4u * begin * width + j;
  var sum = vec4f(0.0);
  for (var k = begin; k < end; k++) {
    let x = reflectors[v + k];
    sum += x.x * w[at] + x.y * w[at + width] + (x.z * w[at + 2u * width] + x.w * w[at + 3u * width]);
    at += 4u * width;
  }
  panel[(wg.z * s.panel_size + s.part) / 4u + wg.y * width + j] = sum;
}

// W u_i, in sixteen parts: a workgroup takes sixteen rows, sixteen threads for every four of them, and each thread every
// sixteenth quad.
@compute @workgroup_size(64)
fn product(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let height = s.ldp / 4u;
  let width = s.ldq / 4u;
  let u = (wg.z * reflectors_size(s) + s.held * s.ldp) / 4u + s.i * width;
  let lane = t % 16u;
  let k = s.top + wg.x * 4u + t / 16u;
  if (k >= height) { return; }
  var at = wg.z * s.ldp * width + 4u * k * width + s.left + lane;
  var sum = vec4f(0.0);
  for (var j = s.left + lane; j < width; j += 16u) {
    let x = reflectors[u + j];
    sum += vec4f(dot(x, w[at]), dot(x, w[at + width]), dot(x, w[at + 2u * width]), dot(x, w[at + 3u * width]));
    at += 16u;
  }
  panel[(wg.z * s.panel_size + s.raw) / 4u + lane * height + k] = sum;
}

// The sum over the workgroup, for thread 0 alone.
fn fold_all(t: u32, x: f32) -> f32 {
  fold[t] = x;
  workgroupBarrier();
  var sum = 0.0;
  if (t == 0u) { for (var k = 0u; k < lanes; k++) { sum += fold[k]; } }
  return sum;
}

// Products of v_i with the c before it (the first c workgroups) and the panel's X (the others).
@compute @workgroup_size(lanes)
fn column_dots(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let height = s.ldp / 4u;
  let vs = wg.z * reflectors_size(s) / 4u;
  let v = vs + s.i * height;
  let is_x = wg.x >= s.c;
  let c = select(wg.x, wg.x - s.c, is_x);
  var sum = 0.0;
  if (is_x) {
    let other = (wg.z * s.panel_size + s.x) / 4u + c * height;
    for (var k = s.top + t; k < height; k += lanes) { sum += dot(reflectors[v + k], panel[other + k]); }
  } else {
    let other = vs + (s.i - s.c + c) * height;
    for (var k = s.top + t; k < height; k += lanes) { sum += dot(reflectors[v + k], reflectors[other + k]); }
  }
  sum = fold_all(t, sum);
  if (t == 0u) { scalars[wg.z * s.scalars_size + s.dots + select(0u, s.width, is_x) + c] = sum; }
}

// Products of u_i with the c before it (the first c workgroups) and the panel's Y (the others).
@compute @workgroup_size(lanes)
fn row_dots(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let width = s.ldq / 4u;
  let us = (wg.z * reflectors_size(s) + s.held * s.ldp) / 4u;
  let u = us + s.i * width;
  let is_y = wg.x >= s.c;
  let c = select(wg.x, wg.x - s.c, is_y);
  var sum = 0.0;
  if (is_y) {
    let other = (wg.z * s.panel_size + s.y) / 4u + c * width;
    for (var j = s.left + t; j < width; j += lanes) { sum += dot(reflectors[u + j], panel[other + j]); }
  } else {
    let other = us + (s.i - s.c + c) * width;
    for (var j = s.left + t; j < width; j += lanes) { sum += dot(reflectors[u + j], reflectors[other + j]); }
  }
  sum = fold_all(t, sum);
  if (t == 0u) { scalars[wg.z * s.scalars_size + s.dots + select(3u, 2u, is_y) * s.width + c] = sum; }
}

// v yᵀ + x uᵀ, one row per column of the result.
fn outer(v: vec4f, y: vec4f, x: vec4f, u: vec4f) -> mat4x4f {
  return mat4x4f(v.x * y + x.x * u, v.y * y + x.y * u, v.z * y + x.z * u, v.w * y + x.w * u);
}

// Subtracts d from W at rows 4k … and columns 4j …, unless they are past the end.
fn take(k: u32, j: u32, matrix: u32, d: mat4x4f) {
  let width = s.ldq / 4u;
  if (j >= width || k >= s.ldp / 4u) { return; }
  let at = matrix * s.ldp * width + 4u * k * width + j;
  w[at] -= d[0];
  w[at + width] -= d[1];
  w[at + 2u * width] -= d[2];
  w[at + 3u * width] -= d[3];
}

// W ← W − V Yᵀ − X Uᵀ for the c pairs before column i, from row and column i on: twice four rows and twice four columns
// per thread. i is a multiple of 4.
@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let height = s.ldp / 4u;
  let width = s.ldq / 4u;
  let j = s.i / 4u + wg.x * 16u + t % 8u;
  let k = s.i / 4u + wg.y * 16u + t / 8u;
  if (j >= width || k >= height) { return; }
  // The second of each may be past the end; it then repeats the last one and is discarded.
  let j1 = min(j + 8u, width - 1u);
  let k1 = min(k + 8u, height - 1u);
  var v = wg.z * reflectors_size(s) / 4u + (s.i - s.c) * height;
  var u = wg.z * reflectors_size(s) / 4u + s.held * height + (s.i - s.c) * width;
  var x = (wg.z * s.panel_size + s.x) / 4u;
  var y = (wg.z * s.panel_size + s.y) / 4u;
  var d00 = mat4x4f();
  var d01 = mat4x4f();
  var d10 = mat4x4f();
  var d11 = mat4x4f();
  for (var c = 0u; c < s.c; c++) {
    let v0 = reflectors[v + k];
    let v1 = reflectors[v + k1];
    let u0 = reflectors[u + j];
    let u1 = reflectors[u + j1];
    let x0 = panel[x + k];
    let x1 = panel[x + k1];
    let y0 = panel[y + j];
    let y1 = panel[y + j1];
    d00 += outer(v0, y0, x0, u0);
    d01 += outer(v0, y1, x0, u1);
    d10 += outer(v1, y0, x1, u0);
    d11 += outer(v1, y1, x1, u1);
    v += height;
    x += height;
    u += width;
    y += width;
  }
  take(k, j, wg.z, d00);
  take(k, j + 8u, wg.z, d01);
  take(k + 8u, j, wg.z, d10);
  take(k + 8u, j + 8u, wg.z, d11);
}
