// Entry point values of small.wgsl: workgroup (stretch of values, matrix), four values per thread.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(1) var<storage, read_write> sigma: array<f32>; // [B, q]
@group(0) @binding(2) var<uniform> s: Shape;

var<workgroup> squares: array<vec2f, MAX_SIDE>; // dᵢ², eᵢ₋₁²

// How many singular values are below each of four x: signs of the pivots of BidᵀBid − x², kept as quotients.
fn below(q: u32, x: vec4f) -> vec4u {
  var count = vec4u();
  let shift = x * x;
  var rest = -shift;
  for (var i = 0u; i < q; i++) {
    let both = squares[i];
    var pivot = rest + both.x;
    pivot = select(pivot, vec4f(-TINY), abs(pivot) < vec4f(TINY));
    count += select(vec4u(), vec4u(1u), pivot < vec4f());
    if (i + 1u < q) { rest = squares[i + 1u].y * (rest / pivot) - shift; }
  }
  return count;
}

@compute @workgroup_size(WIDTH)
fn values(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let q = min(s.rows, s.cols);
  let mine = wg.y * s.stride;
  let bid = mine + s.bid;
  for (var i = t; i < q; i += WIDTH) {
    let e = select(0.0, w[bid + 2u * i - min(1u, i)], i > 0u);
    squares[i] = vec2f(w[bid + 2u * i] * w[bid + 2u * i], e * e);
  }
  workgroupBarrier();
  var bound = 0.0;
  for (var i = 0u; i < q; i++) { bound = max(bound, abs(w[bid + 2u * i]) + abs(w[bid + 2u * i + 1u])); }
  let first = (wg.x * WIDTH + t) * 4u;
  if (first >= q) { return; }
  // σ_j is below x once q − j values are. 31 halvings cover every float in [0, bound].
  let wanted = vec4u(q) - (vec4u(first) + vec4u(0u, 1u, 2u, 3u));
  var lo = vec4u();
  var hi = vec4u(bitcast<u32>(bound * 1.5 + TINY));
  for (var turn = 0u; turn < 32u; turn++) {
    let mid = (lo + hi) / 2u;
    let yes = below(q, bitcast<vec4f>(mid)) >= wanted;
    hi = select(hi, mid, yes);
    lo = select(mid, lo, yes);
  }
  let unscale = w[mine + s.lambda + q];
  for (var l = 0u; l < min(4u, q - first); l++) {
    w[mine + s.lambda + first + l] = bitcast<f32>(lo[l]);
    sigma[wg.y * q + first + l] = bitcast<f32>(lo[l]) * unscale;
  }
}
