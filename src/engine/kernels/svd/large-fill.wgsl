// Before the reduction: the largest magnitude of each matrix, then W.

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> peaks: array<atomic<u32>>; // [B], zero before: bits of max |a|
@group(0) @binding(2) var<storage, read_write> w: array<f32>;
@group(0) @binding(3) var<uniform> s: Shape;

var<workgroup> fold: array<u32, 64>;

// By bits, which order like magnitudes; NaN and Inf come last, at 0x7f800000 and above.
@compute @workgroup_size(64)
fn peak(
  @builtin(workgroup_id) wg: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let size = s.m * s.n;
  var largest = 0u;
  for (var k = wg.x * 64u + t; k < size; k += groups.x * 64u) {
    largest = max(largest, bitcast<u32>(a[wg.z * size + k]) & 0x7fffffffu);
  }
  fold[t] = largest;
  workgroupBarrier();
  if (t == 0u) {
    for (var k = 1u; k < 64u; k++) { largest = max(largest, fold[k]); }
    atomicMax(&peaks[wg.z], largest);
  }
}

@compute @workgroup_size(64)
fn fill(
  @builtin(workgroup_id) wg: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let j = wg.x * 64u + t;
  if (j >= s.ldq) { return; }
  let exponent = clamp(i32(atomicLoad(&peaks[wg.z]) >> 23u) - 127, -126, 126);
  let scale = bitcast<f32>(u32(127 - exponent) << 23u);
  for (var k = wg.y; k < s.ldp; k += groups.y) {
    var value = 0.0;
    if (j < s.q && k < s.p) {
      let at = select(j * s.n + k, k * s.n + j, s.m >= s.n);
      value = a[wg.z * s.m * s.n + at] * scale;
    }
    w[(wg.z * s.ldp + k) * s.ldq + j] = value;
  }
}
