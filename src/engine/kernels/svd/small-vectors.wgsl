// Entry point vectors of small.wgsl: one workgroup per matrix. Inverse iteration, one thread per vector; then the
// requested half of each vector, orthonormalised.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(1) var<uniform> s: Shape;

const ITERATIONS = 3u;
const CLOSE = 1e-3; // vectors of values closer than this, relative to σ₁, are orthogonalised against each other

var<workgroup> part: array<f32, 2048>;
var<workgroup> dots: array<f32, MAX_SIDE>;
var<workgroup> heads: array<u32, MAX_SIDE>; // first vector of the cluster that v is in
var<workgroup> clustered: u32;
var<workgroup> weak: u32;

// A pseudo-random value in [−0.5, 0.5).
fn noise(i: u32, v: u32) -> f32 {
  var x = i * 2654435769u + v * 2246822519u + 374761393u;
  x = (x ^ (x >> 15u)) * 2246822519u;
  x = (x ^ (x >> 13u)) * 3266489917u;
  return f32((x ^ (x >> 16u)) >> 8u) / 16777216.0 - 0.5;
}

// Factors T − λI, T being the Golub–Kahan tridiagonal (zero diagonal, off-diagonal w[gk …]), with row interchanges,
// for vector v: four rows of w per level, [order, width] each: pivot, first and second above it, multiplier, whose last
// bit says whether the rows were swapped.
fn factor(gk: u32, order: u32, lambda: f32, lu: u32, v: u32) {
  let level = order * s.width;
  var diag = -lambda;
  var next = w[gk];
  var low = next;
  for (var i = 0u; i + 1u < order; i++) {
    var next_below = 0.0;
    if (i + 2u < order) { next_below = w[gk + i + 1u]; }
    let at = lu + i * s.width + v;
    let swap = abs(diag) < abs(low);
    var f = 0.0;
    if (swap) {
      f = diag / low;
      w[at] = low;
      w[at + level] = -lambda;
      w[at + 2u * level] = next_below;
      diag = next + f * lambda;
      next = -f * next_below;
    } else {
      if (abs(diag) > 0.0) { f = low / diag; }
      w[at] = diag;
      w[at + level] = next;
      w[at + 2u * level] = 0.0;
      diag = -lambda - f * next;
      next = next_below;
    }
    w[at + 3u * level] = bitcast<f32>((bitcast<u32>(f) & 0xfffffffeu) | select(0u, 1u, swap));
    low = next_below;
  }
  w[lu + (order - 1u) * s.width + v] = diag;
}

// Column v of z ← (T − λI)⁻¹ z, scaled to unit length. Pivots below `tiny` are raised to it.
fn solve(order: u32, lu: u32, z: u32, v: u32, tiny: f32) {
  let level = order * s.width;
  var upper = w[z + v];
  for (var i = 0u; i + 1u < order; i++) {
    let f = w[lu + 3u * level + i * s.width + v];
    let lower = w[z + (i + 1u) * s.width + v];
    let swap = (bitcast<u32>(f) & 1u) == 1u;
    w[z + i * s.width + v] = select(upper, lower, swap);
    upper = select(lower - f * upper, upper - f * lower, swap);
  }
  var x1 = 0.0;
  var x2 = 0.0;
  var biggest = 0.0;
  var sum = upper;
  for (var k = order; k > 0u; k--) {
    let at = lu + (k - 1u) * s.width + v;
    if (k < order) { sum = w[z + (k - 1u) * s.width + v] - (w[at + level] * x1 + w[at + 2u * level] * x2); }
    var pivot = w[at];
    if (abs(pivot) < tiny) { pivot = select(tiny, -tiny, pivot < 0.0); }
    x2 = x1;
    x1 = sum / pivot;
    w[z + (k - 1u) * s.width + v] = x1;
    biggest = max(biggest, abs(x1));
  }
  var squares = 0.0;
  for (var i = 0u; i < order; i++) {
    let x = w[z + i * s.width + v] / biggest;
    squares += x * x;
  }
  let norm = sqrt(squares);
  for (var i = 0u; i < order; i++) { w[z + i * s.width + v] = w[z + i * s.width + v] / biggest / norm; }
}

// Subtracts from column v of z [length, width] its components along columns first … v − 1, then makes it a unit vector.
// Returns its length before scaling.
fn project_out(t: u32, z: u32, length: u32, first: u32, v: u32) -> f32 {
  let lane = t % LANES;
  let row = t / LANES;
  let ROWS = WIDTH / LANES;
  sync();
  for (var c = first + lane; c < v; c += LANES) {
    var dot = 0.0;
    for (var i = row; i < length; i += ROWS) { dot += w[z + i * s.width + c] * w[z + i * s.width + v]; }
    part[row * MAX_SIDE + c] = dot;
  }
  workgroupBarrier();
  for (var c = first + t; c < v; c += WIDTH) {
    var total = 0.0;
    for (var l = 0u; l < ROWS; l++) { total += part[l * MAX_SIDE + c]; }
    dots[c] = total;
  }
  workgroupBarrier();
  var squares = 0.0;
  for (var i = t; i < length; i += WIDTH) {
    var x = w[z + i * s.width + v];
    for (var c = first; c < v; c++) { x -= dots[c] * w[z + i * s.width + c]; }
    w[z + i * s.width + v] = x;
    squares += x * x;
  }
  let norm = sqrt(sum_all(t, squares));
  if (norm > 0.0) { for (var i = t; i < length; i += WIDTH) { w[z + i * s.width + v] /= norm; } }
  return norm;
}

@compute @workgroup_size(WIDTH)
fn vectors(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let q = min(s.rows, s.cols);
  let order = 2u * q;
  let mine = wg.x * s.stride;
  let gk = mine + s.bid;
  let z = mine + s.z;
  let lu = mine + s.lu;
  let largest = w[mine + s.lambda];
  let tiny = max(largest * 6e-8, TINY);
  if (t == 0u) {
    var head = 0u;
    clustered = 0u;
    for (var v = 0u; v < s.r; v++) {
      if (v > 0u) {
        if (w[mine + s.lambda + v - 1u] - w[mine + s.lambda + v] <= CLOSE * largest) { clustered = 1u; } else { head = v; }
      }
      heads[v] = head;
    }
  }
  for (var v = t; v < s.r; v += WIDTH) {
    factor(gk, order, w[mine + s.lambda + v], lu, v);
    for (var i = 0u; i < order; i++) { w[z + i * s.width + v] = noise(i, v); }
  }
  let apart = workgroupUniformLoad(&clustered) == 1u;
  for (var turn = 0u; turn < ITERATIONS; turn++) {
    for (var v = t; v < s.r; v += WIDTH) { solve(order, lu, z, v, tiny); }
    if (apart) { for (var v = 0u; v < s.r; v++) { project_out(t, z, order, heads[v], v); } }
  }

  // z alternates right, left, right, left …; the reflections of `back` preserve orthonormal columns.
  let tall = s.rows >= s.cols;
  sync();
  for (var v = t; v < s.width; v += WIDTH) {
    for (var i = 0u; i < q; i++) {
      var x = 0.0;
      if (v < s.r) { x = w[z + (2u * i + select(0u, 1u, tall)) * s.width + v]; }
      w[z + i * s.width + v] = x;
    }
    for (var i = q; i < s.rows; i++) { w[z + i * s.width + v] = 0.0; }
  }
  for (var v = 0u; v < s.r; v++) {
    sync();
    var squares = 0.0;
    for (var i = t; i < q; i += WIDTH) { squares += w[z + i * s.width + v] * w[z + i * s.width + v]; }
    var left = sqrt(sum_all(t, squares));
    // A column that is only rounding (its length should be √½) is redrawn at random, so that the basis is complete.
    if (t == 0u) { weak = select(0u, 1u, !(left > 0.01)); }
    let turns = select(2u, 4u, workgroupUniformLoad(&weak) == 1u);
    for (var turn = 0u; turn < turns; turn++) {
      if (!(left > 0.01)) { for (var i = t; i < q; i += WIDTH) { w[z + i * s.width + v] = noise(i, v + 77u + turn); } }
      left = project_out(t, z, q, 0u, v);
    }
  }
}
