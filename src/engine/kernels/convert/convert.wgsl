// bf16 → f32, bf16 → f16 and f16 → f32, two values per word, on bits alone: it needs no shader-f16, and no float passes
// through a register where an adapter might flush a subnormal or change a NaN. CPU twin: convert.cpu.ts.

struct Job {
  count: u32, // values
}

@group(0) @binding(0) var<storage, read> words: array<u32>; // two values each, the first in the lower half
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@group(0) @binding(2) var<uniform> job: Job;

// Workgroups fold (count / 2 / 256) into x and y.
fn word_of(wg: vec3u, n: vec3u, t: u32) -> u32 { return (wg.y * n.x + wg.x) * 256u + t; }

fn put_pair(i: u32, low: u32, high: u32) {
  out[2u * i] = low;
  if (2u * i + 1u < job.count) { out[2u * i + 1u] = high; }
}

@compute @workgroup_size(256)
fn bf16_to_f32(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let i = word_of(wg, n, t);
  if (2u * i >= job.count) { return; }
  put_pair(i, words[i] << 16u, words[i] & 0xffff0000u);
}

@compute @workgroup_size(256)
fn f16_to_f32(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let i = word_of(wg, n, t);
  if (2u * i >= job.count) { return; }
  put_pair(i, widened(words[i] & 0xffffu), widened(words[i] >> 16u));
}

@compute @workgroup_size(256)
fn bf16_to_f16(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let i = word_of(wg, n, t);
  if (2u * i >= job.count) { return; }
  var high = 0u;
  if (2u * i + 1u < job.count) { high = narrowed(words[i] & 0xffff0000u); }
  out[i] = narrowed(words[i] << 16u) | (high << 16u);
}

// f16 bits → f32 bits.
fn widened(h: u32) -> u32 {
  let sign = (h & 0x8000u) << 16u;
  let exponent = (h >> 10u) & 0x1fu;
  let mantissa = h & 0x3ffu;
  if (exponent == 0x1fu) { return sign | 0x7f800000u | (mantissa << 13u); }
  if (exponent != 0u) { return sign | ((exponent + 112u) << 23u) | (mantissa << 13u); }
  if (mantissa == 0u) { return sign; }
  // Subnormal, mantissa · 2^-24: shift its leading one into the hidden bit.
  let shift = countLeadingZeros(mantissa) - 21u;
  return sign | ((113u - shift) << 23u) | (((mantissa << shift) & 0x3ffu) << 13u);
}

// f32 bits → f16 bits, to nearest, ties to even.
fn narrowed(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u | ((magnitude >> 13u) & 0x3ffu); }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude >= 0x38800000u) { return sign | round_shift(magnitude - 0x38000000u, 13u); }
  // Subnormal: the mantissa with its hidden bit, in units of 2^-24.
  let shift = 126u - (magnitude >> 23u);
  if (shift > 24u) { return sign; }
  return sign | round_shift((magnitude & 0x7fffffu) | 0x800000u, shift);
}

// value / 2^shift, ties to even.
fn round_shift(value: u32, shift: u32) -> u32 {
  return (value + (1u << (shift - 1u)) - 1u + ((value >> shift) & 1u)) >> shift;
}
