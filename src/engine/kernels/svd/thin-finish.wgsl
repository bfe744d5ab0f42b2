// Entry point finish of thin.wgsl: one workgroup per matrix.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // as `gram` left it; then, if a is tall, V [k, r], σ [k], the scale
@group(0) @binding(1) var<storage, read_write> sigma: array<f32>; // [B, k]
@group(0) @binding(2) var<storage, read_write> u: array<f32>; // [B, k, r] where a is wide
@group(0) @binding(3) var<storage, read_write> bad: array<u32>; // [B]: 1 where a holds NaN or Inf
@group(0) @binding(4) var<uniform> s: Shape;

override TEAM = 32u; // threads
const MAX_SIDE = 32u; // k
const SWEEPS = 12u;
const TURNED = 4e-7; // cosine below which two columns count as orthogonal

var<workgroup> g: array<vec2f, 528>; // lower triangle of G
var<workgroup> high: array<f32, 1024>; // L [k, 32], then U Σ
var<workgroup> low: array<f32, 1024>; // its lower parts, then U
var<workgroup> rest: array<vec2f, 64>; // the remaining diagonal of G, double-buffered
var<workgroup> norms: array<f32, 32>;
var<workgroup> turned: u32;
var<workgroup> alive: u32;

fn at_g(i: u32, j: u32) -> Pair {
  let x = g[max(i, j) * (max(i, j) + 1u) / 2u + min(i, j)];
  return Pair(x.x, x.y);
}

// G = L Lᵀ, the largest remaining diagonal entry first; rows of L are not permuted.
fn cholesky(t: u32) {
  for (var i = t; i < s.k; i += TEAM) {
    let d = at_g(i, i);
    rest[i] = vec2f(d.hi, d.lo);
  }
  workgroupBarrier();
  for (var j = 0u; j < s.k; j++) {
    let now = (j % 2u) * MAX_SIDE;
    var p = 0u;
    for (var i = 1u; i < s.k; i++) { if (rest[now + i].x > rest[now + p].x) { p = i; } }
    let pivot = root(Pair(rest[now + p].x, rest[now + p].y));
    for (var i = t; i < s.k; i += TEAM) {
      var entry = Pair(0.0, 0.0);
      var left = Pair(rest[now + i].x, rest[now + i].y);
      if (i == p) {
        entry = pivot;
        left.hi = -1.0; // done
      } else if (left.hi >= 0.0 && pivot.hi > 0.0) {
        entry = at_g(i, p);
        for (var c = 0u; c < j; c++) {
          let x = Pair(high[i * MAX_SIDE + c], low[i * MAX_SIDE + c]);
          entry = less_product(entry, x, Pair(high[p * MAX_SIDE + c], low[p * MAX_SIDE + c]));
        }
        entry = quotient(entry, pivot);
        left = less_product(left, entry, entry);
      }
      high[i * MAX_SIDE + j] = entry.hi;
      low[i * MAX_SIDE + j] = entry.lo;
      rest[MAX_SIDE - now + i] = vec2f(left.hi, left.lo);
    }
    workgroupBarrier();
  }
}

// Makes columns p and q of `high` orthogonal. True if they were not.
fn turn(p: u32, q: u32) -> bool {
  var pp = 0.0;
  var qq = 0.0;
  var pq = 0.0;
  for (var i = 0u; i < s.k; i++) {
    let x = high[i * MAX_SIDE + p];
    let y = high[i * MAX_SIDE + q];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (!(abs(pq) > TURNED * sqrt(pp) * sqrt(qq)) || pq == 0.0) { return false; }
  let zeta = (qq - pp) / (2.0 * pq);
  let tangent = select(-1.0, 1.0, zeta >= 0.0) / (abs(zeta) + sqrt(1.0 + zeta * zeta));
  let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
  let sine = tangent * cosine;
  let half = sine / (1.0 + cosine); // x − s(y + h x): small rotations preserve the length
  for (var i = 0u; i < s.k; i++) {
    let x = high[i * MAX_SIDE + p];
    let y = high[i * MAX_SIDE + q];
    high[i * MAX_SIDE + p] = x - sine * (y + half * x);
    high[i * MAX_SIDE + q] = y + sine * (x - half * y);
  }
  return true;
}

// All pairs of columns in rounds of k/2 disjoint pairs, one thread per pair.
fn jacobi(t: u32) {
  let even = s.k + s.k % 2u;
  let last = even - 1u;
  for (var sweep = 0u; sweep < SWEEPS; sweep++) {
    if (t == 0u) { turned = 0u; }
    workgroupBarrier();
    for (var round = 0u; round < last; round++) {
      for (var i = t; i < even / 2u; i += TEAM) {
        let p = select((round + i) % last, round, i == 0u);
        let q = select((round + last - i) % last, last, i == 0u);
        if (max(p, q) < s.k) { if (turn(min(p, q), max(p, q))) { turned = 1u; } }
      }
      workgroupBarrier();
    }
    if (workgroupUniformLoad(&turned) == 0u) { break; }
  }
}

// Column v of U becomes a unit vector orthogonal to those before it.
fn complete(v: u32) {
  for (var i = 0u; i < s.k; i++) { low[i * MAX_SIDE + v] = noise(i, v); }
  for (var turn = 0u; turn < 3u; turn++) {
    for (var c = 0u; c < v; c++) {
      var dot = 0.0;
      for (var i = 0u; i < s.k; i++) { dot += low[i * MAX_SIDE + c] * low[i * MAX_SIDE + v]; }
      for (var i = 0u; i < s.k; i++) { low[i * MAX_SIDE + v] -= dot * low[i * MAX_SIDE + c]; }
    }
    var squares = 0.0;
    for (var i = 0u; i < s.k; i++) { squares += low[i * MAX_SIDE + v] * low[i * MAX_SIDE + v]; }
    for (var i = 0u; i < s.k; i++) { low[i * MAX_SIDE + v] /= sqrt(squares); }
  }
}

@compute @workgroup_size(TEAM)
fn finish(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let mine = wg.x * s.stride;
  var bits = 0u;
  for (var c = 0u; c < s.chunks; c++) { bits = max(bits, bitcast<u32>(w[mine + c])); }
  let exponent = exponent_of(bits);
  if (t == 0u) { bad[wg.x] = select(0u, 1u, bits >= 0x7f800000u); }
  for (var e = t; e < s.tiles * 16u; e += TEAM) {
    let tile = e / 16u;
    var row = 0u;
    while ((row + 1u) * (row + 2u) / 2u <= tile) { row += 1u; }
    let i = row * 4u + (e % 16u) / 4u;
    let j = (tile - row * (row + 1u) / 2u) * 4u + e % 4u;
    if (i < s.k && j <= i) {
      var total = Pair(0.0, 0.0);
      for (var c = 0u; c < s.chunks; c++) {
        let origin = mine + s.chunks + (c * s.tiles * 16u + e) * 2u;
        total = add_pair(total, Pair(w[origin], w[origin + 1u]));
      }
      g[i * (i + 1u) / 2u + j] = vec2f(total.hi, total.lo);
    }
  }
  workgroupBarrier();
  cholesky(t);
  jacobi(t);

  for (var c = t; c < s.k; c += TEAM) {
    var squares = 0.0;
    for (var i = 0u; i < s.k; i++) { squares += high[i * MAX_SIDE + c] * high[i * MAX_SIDE + c]; }
    norms[c] = sqrt(squares);
  }
  if (t == 0u) {
    alive = 0u;
    w[mine + s.k * s.r + s.k] = power_of_two(-exponent);
  }
  workgroupBarrier();
  for (var c = t; c < s.k; c += TEAM) {
    let norm = norms[c];
    var place = 0u;
    var count = 0u;
    for (var b = 0u; b < s.k; b++) {
      if (norms[b] > norm || (norms[b] == norm && b < c)) { place += 1u; }
      if (norms[b] > 0.0) { count += 1u; }
    }
    sigma[wg.x * s.k + place] = norm * power_of_two(exponent);
    w[mine + s.k * s.r + place] = norm;
    for (var i = 0u; i < s.k; i++) { low[i * MAX_SIDE + place] = select(0.0, high[i * MAX_SIDE + c] / norm, norm > 0.0); }
    if (c == 0u) { alive = count; }
  }
  let first = workgroupUniformLoad(&alive);
  // Columns that are zero are redrawn at random, so that the basis is complete. One thread does this: it is rare and short.
  if (t == 0u) { for (var v = first; v < s.r; v++) { complete(v); } }
  workgroupBarrier();

  for (var c = t; c < s.r; c += TEAM) {
    var biggest = 0.0;
    var sign = 1.0;
    for (var i = 0u; i < s.k; i++) {
      let x = low[i * MAX_SIDE + c];
      if (abs(x) > biggest) {
        biggest = abs(x);
        sign = select(1.0, -1.0, x < 0.0);
      }
    }
    for (var i = 0u; i < s.k; i++) {
      let x = sign * low[i * MAX_SIDE + c];
      if (s.step_l == 1u) { u[(wg.x * s.k + i) * s.r + c] = x; } else { w[mine + i * s.r + c] = x; }
    }
  }
}
