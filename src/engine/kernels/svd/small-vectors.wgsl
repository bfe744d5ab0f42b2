// Entry point vectors of small.wgsl: one workgroup a matrix, one thread a vector.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(1) var<uniform> s: Shape;

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

// Factors T − λI, T being the Golub–Kahan tridiagonal (zero diagonal, off-diagonal w[gk …]), with row interchanges,
// for vector v: five rows of w a level, [order, r] each: pivot, first and second above it, multiplier, whether the
// rows were swapped.
fn factor(gk: u32, order: u32, lambda: f32, lu: u32, v: u32) {
  let level = order * s.r;
  var diag = -lambda;
  var next = w[gk];
  for (var i = 0u; i + 1u < order; i++) {
    let low = w[gk + i];
    let next_below = select(0.0, w[gk + i + 1u], i + 2u < order);
    let at = lu + i * s.r + v;
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
    w[at + 3u * level] = f;
    w[at + 4u * level] = select(0.0, 1.0, swap);
  }
  w[lu + (order - 1u) * s.r + v] = diag;
}

// Column v of z ← (T − λI)⁻¹ z, scaled to unit length. Pivots below `tiny` are raised to it.
fn solve(order: u32, lu: u32, z: u32, v: u32, tiny: f32) {
  let level = order * s.r;
  var upper = w[z + v];
  for (var i = 0u; i + 1u < order; i++) {
    let at = lu + i * s.r + v;
    let f = w[at + 3u * level];
    let lower = w[z + (i + 1u) * s.r + v];
    let swap = w[at + 4u * level] > 0.0;
    w[z + i * s.r + v] = select(upper, lower, swap);
    upper = select(lower - f * upper, upper - f * lower, swap);
  }
  w[z + (order - 1u) * s.r + v] = upper;
  var x1 = 0.0;
  var x2 = 0.0;
  var biggest = 0.0;
  for (var k = order; k > 0u; k--) {
    let at = lu + (k - 1u) * s.r + v;
    var sum = w[z + (k - 1u) * s.r + v];
    if (k < order) { sum -= w[at + level] * x1 + w[at + 2u * level] * x2; }
    var pivot = w[at];
    if (abs(pivot) < tiny) { pivot = select(tiny, -tiny, pivot < 0.0); }
    x2 = x1;
    x1 = sum / pivot;
    w[z + (k - 1u) * s.r + v] = x1;
    biggest = max(biggest, abs(x1));
  }
  var squares = 0.0;
  for (var i = 0u; i < order; i++) {
    let x = w[z + i * s.r + v] / biggest;
    w[z + i * s.r + v] = x;
    squares += x * x;
  }
  let norm = sqrt(squares);
  for (var i = 0u; i < order; i++) { w[z + i * s.r + v] /= norm; }
}

// Takes from column v of z its parts along the columns before it, then makes it a unit vector.
fn project_out(t: u32, z: u32, length: u32, v: u32) {
  sync();
  for (var c = t; c < v; c += WIDTH) {
    var dot = 0.0;
    for (var i = 0u; i < length; i++) { dot += w[z + i * s.r + c] * w[z + i * s.r + v]; }
    dots[c] = dot;
  }
  sync();
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
}

@compute @workgroup_size(WIDTH)
fn vectors(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let q = min(s.rows, s.cols);
  let order = 2u * q;
  let mine = wg.x * s.stride;
  let gk = mine + s.bid;
  let z = mine + s.z;
  let lu = mine + s.lu;
  for (var v = t; v < s.r; v += WIDTH) {
    factor(gk, order, w[mine + s.lambda + v], lu, v);
    for (var i = 0u; i < order; i++) { w[z + i * s.r + v] = noise(i, v); }
  }
  let tiny = max(w[mine + s.lambda] * 6e-8, TINY);
  for (var turn = 0u; turn < 3u; turn++) {
    for (var v = t; v < s.r; v += WIDTH) { solve(order, lu, z, v, tiny); }
    for (var v = 0u; v < s.r; v++) {
      project_out(t, z, order, v);
      project_out(t, z, order, v);
    }
  }
}
