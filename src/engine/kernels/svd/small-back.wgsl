// Entry point back of small.wgsl: one workgroup a matrix. LANES of the threads lie along the vectors, four each.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(1) var<storage, read_write> u: array<f32>; // [B, m, r]
@group(0) @binding(2) var<uniform> s: Shape;

var<workgroup> part: array<f32, 2048>;
var<workgroup> dots: array<f32, MOST>;
var<workgroup> fold: array<f32, 256>;

fn sync() {
  storageBarrier();
  workgroupBarrier();
}

fn sum_all(t: u32, x: f32) -> f32 {
  sync();
  fold[t] = x;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) { fold[t] += fold[t + half]; }
  }
  workgroupBarrier();
  return fold[0];
}

// Takes from column v of z its parts along the columns before it, then makes it a unit vector. Returns the length it
// had left.
fn project_out(t: u32, z: u32, length: u32, v: u32) -> f32 {
  sync();
  let lane = t % LANES;
  let row = t / LANES;
  let ROWS = WIDTH / LANES;
  for (var c = lane; c < v; c += LANES) {
    var dot = 0.0;
    for (var i = row; i < length; i += ROWS) { dot += w[z + i * s.r + c] * w[z + i * s.r + v]; }
    part[row * MOST + c] = dot;
  }
  workgroupBarrier();
  for (var c = t; c < v; c += WIDTH) {
    var total = 0.0;
    for (var l = 0u; l < ROWS; l++) { total += part[l * MOST + c]; }
    dots[c] = total;
  }
  workgroupBarrier();
  var squares = 0.0;
  for (var i = t; i < length; i += WIDTH) {
    var x = w[z + i * s.r + v];
    for (var c = 0u; c < v; c++) { x -= dots[c] * w[z + i * s.r + c]; }
    w[z + i * s.r + v] = x;
    squares += x * x;
  }
  let norm = sqrt(sum_all(t, squares));
  if (norm > 0.0) { for (var i = t; i < length; i += WIDTH) { w[z + i * s.r + v] /= norm; } }
  sync();
  return norm;
}

@compute @workgroup_size(WIDTH)
fn back(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let m = s.rows;
  let q = min(m, s.cols);
  let tall = m >= s.cols;
  let r = s.r;
  let mine = wg.x * s.stride;
  let z = mine + s.z;
  let lane = t % LANES;
  let row = t / LANES;
  let ROWS = WIDTH / LANES;

  // The wanted half of each vector: z holds right, left, right, left …
  for (var v = t; v < r; v += WIDTH) {
    for (var i = 0u; i < q; i++) { w[z + i * r + v] = w[z + (2u * i + select(0u, 1u, tall)) * r + v]; }
    for (var i = q; i < m; i++) { w[z + i * r + v] = 0.0; }
  }
  // Reflection i: column i of W from row i on where a is tall, else row i from column i + 1 on.
  let step = select(1u, s.line, tall);
  let shift = select(1u, 0u, tall);
  for (var k = q - shift; k > 0u; k--) {
    let i = k - 1u;
    let start = i + shift;
    let h = mine + i * s.line + start; // its first entry, which is 1
    let tau = w[mine + s.tau + i];
    sync();
    for (var v = lane; v < r; v += LANES) {
      var dot = 0.0;
      for (var l = row; l < m - start; l += ROWS) { dot += w[h + l * step] * w[z + (start + l) * r + v]; }
      part[row * MOST + v] = dot;
    }
    workgroupBarrier();
    for (var v = lane; v < r; v += LANES) {
      var total = 0.0;
      for (var l = 0u; l < ROWS; l++) { total += part[l * MOST + v]; }
      total *= tau;
      for (var l = row; l < m - start; l += ROWS) { w[z + (start + l) * r + v] -= total * w[h + l * step]; }
    }
  }

  // Orthonormal once more; a column that is only rounding (its length should be √½) is drawn anew, so that the basis
  // is complete.
  for (var v = 0u; v < r; v++) {
    sync();
    var squares = 0.0;
    for (var i = t; i < m; i += WIDTH) { squares += w[z + i * r + v] * w[z + i * r + v]; }
    var left = sqrt(sum_all(t, squares));
    for (var turn = 0u; turn < 3u; turn++) {
      if (left < 0.01) { for (var i = t; i < m; i += WIDTH) { w[z + i * r + v] = noise(i, v + 77u + turn); } }
      left = project_out(t, z, m, v);
    }
  }

  for (var v = t; v < r; v += WIDTH) {
    var biggest = 0.0;
    var sign = 1.0;
    for (var i = 0u; i < m; i++) {
      let x = w[z + i * r + v];
      if (abs(x) > biggest) {
        biggest = abs(x);
        sign = select(1.0, -1.0, x < 0.0);
      }
    }
    for (var i = 0u; i < m; i++) { u[(wg.x * m + i) * r + v] = sign * w[z + i * r + v]; }
  }
}
