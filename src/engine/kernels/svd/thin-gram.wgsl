// Entry points peak and gram of thin.wgsl.

@group(0) @binding(0) var<storage, read> a: array<f32>; // [B, m, n]
@group(0) @binding(1) var<storage, read_write> w: array<f32>; // [B]: peaks [chunks], then G [chunks, tiles, 16] of pairs
@group(0) @binding(2) var<uniform> s: Shape;

var<workgroup> largest: array<u32, WIDTH>;
var<workgroup> sums: array<vec4f, WIDTH * 8>;

@compute @workgroup_size(WIDTH)
fn peak(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let count = s.k * s.length;
  let share = (count + s.chunks - 1u) / s.chunks;
  let base = wg.y * count;
  var bits = 0u;
  for (var i = wg.x * share + t; i < min(count, (wg.x + 1u) * share); i += WIDTH) {
    bits = max(bits, bitcast<u32>(a[base + i]) & 0x7fffffffu);
  }
  largest[t] = bits;
  workgroupBarrier();
  if (t == 0u) {
    for (var i = 1u; i < WIDTH; i++) { bits = max(bits, largest[i]); }
    w[wg.y * s.stride + wg.x] = bitcast<f32>(bits);
  }
}

// Offsets of four entries of the short side; past k the last one is repeated, and `finish` ignores those sums.
fn four(row: u32) -> vec4u { return min(vec4u(row) + vec4u(0u, 1u, 2u, 3u), vec4u(s.k - 1u)) * s.step_k; }

// sum + error += x·y without loss: the rounding of the product (Dekker) and of the sum (Knuth) goes to `error`.
fn gather(x: f32, y: vec4f, y1: vec4f, y2: vec4f, sum: ptr<function, vec4f>, error: ptr<function, vec4f>) {
  let x1 = head(x);
  let x2 = x - x1;
  let p = hold4(x * y);
  let lost = (hold4(x1 * y1 - p) + x1 * y2) + x2 * y1 + x2 * y2;
  let old = *sum;
  let total = hold4(old + p);
  let part = hold4(total - old);
  *sum = total;
  *error += ((old - (total - part)) + (p - part)) + lost;
}

// Workgroup (chunk, tile, matrix).
@compute @workgroup_size(WIDTH)
fn gram(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  var row = 0u;
  while ((row + 1u) * (row + 2u) / 2u <= wg.y) { row += 1u; }
  let i = row * 4u;
  let j = (wg.y - row * (row + 1u) / 2u) * 4u;
  let mine = wg.z * s.stride;
  var bits = 0u;
  for (var c = 0u; c < s.chunks; c++) { bits = max(bits, bitcast<u32>(w[mine + c])); }
  let scale = power_of_two(-exponent_of(bits));
  var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f();
  var e0 = vec4f(); var e1 = vec4f(); var e2 = vec4f(); var e3 = vec4f();
  let rows = four(i);
  let columns = four(j);
  let end = min(s.length, (wg.x + 1u) * s.span);
  for (var at = wg.x * s.span + t; at < end; at += WIDTH) {
    let base = wg.z * s.k * s.length + at * s.step_l;
    let x = vec4f(a[base + rows.x], a[base + rows.y], a[base + rows.z], a[base + rows.w]) * scale;
    let y = vec4f(a[base + columns.x], a[base + columns.y], a[base + columns.z], a[base + columns.w]) * scale;
    let y1 = head4(y);
    let y2 = y - y1;
    gather(x.x, y, y1, y2, &s0, &e0);
    gather(x.y, y, y1, y2, &s1, &e1);
    gather(x.z, y, y1, y2, &s2, &e2);
    gather(x.w, y, y1, y2, &s3, &e3);
  }
  sums[t] = s0; sums[WIDTH + t] = s1; sums[2u * WIDTH + t] = s2; sums[3u * WIDTH + t] = s3;
  sums[4u * WIDTH + t] = e0; sums[5u * WIDTH + t] = e1; sums[6u * WIDTH + t] = e2; sums[7u * WIDTH + t] = e3;
  workgroupBarrier();
  for (var e = t; e < 16u; e += WIDTH) {
    let row_of = (e / 4u) * WIDTH;
    var total = Pair(0.0, 0.0);
    for (var l = 0u; l < WIDTH; l++) {
      total = add_pair(total, quick_sum(sums[row_of + l][e % 4u], sums[row_of + 4u * WIDTH + l][e % 4u]));
    }
    let to = mine + s.chunks + ((wg.x * s.tiles + wg.y) * 16u + e) * 2u;
    w[to] = total.hi;
    w[to + 1u] = total.lo;
  }
}
