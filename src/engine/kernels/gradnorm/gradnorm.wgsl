// Global gradient norm over several buffers, in two stages without atomics: the same bits from run to run.
// CPU twin: gradnorm.cpu.ts.

struct Job {
  count: u32, // elements of this buffer; in `total` the number of partial sums
  first: u32, // index of its first partial sum
  max_norm: f32,
  weight: f32, // of this buffer's squares in the sum: 0 for a guard, whose flags alone count
}

@group(0) @binding(0) var<storage, read> grad: array<f32>; // one gradient; in `total` the partial sums
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // partial sums [n, 2]; in `total` the result [4]
@group(0) @binding(2) var<uniform> job: Job;

const WIDTH = 256u;
var<workgroup> sums: array<f32, 256>;
var<workgroup> flags: array<u32, 256>;

// Comparisons with NaN cannot be trusted on every adapter; the exponent's bits can.
fn not_finite(x: f32) -> u32 {
  return select(0u, 1u, (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u);
}

fn fold(t: u32) {
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      sums[t] += sums[t + half];
      flags[t] |= flags[t + half];
    }
  }
  workgroupBarrier();
}

@compute @workgroup_size(256)
fn squares(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  var sum = 0.0;
  var bad = 0u;
  // In blocks of 32, so that float32 meets the gate over millions of elements that all round the same way.
  var part = 0.0;
  var in_part = 0u;
  for (var i = wg.x * WIDTH + t; i < job.count; i += n.x * WIDTH) {
    let x = grad[i];
    part += x * x;
    bad |= not_finite(x);
    in_part++;
    if (in_part == 32u) {
      sum += part;
      part = 0.0;
      in_part = 0u;
    }
  }
  sums[t] = select(0.0, sum + part, job.weight != 0.0);
  flags[t] = bad;
  fold(t);
  if (t == 0u) {
    out[(job.first + wg.x) * 2u] = sums[0];
    out[(job.first + wg.x) * 2u + 1u] = f32(flags[0]);
  }
}

// One workgroup: norm, clip, finite, sum of squares.
@compute @workgroup_size(256)
fn total(@builtin(local_invocation_index) t: u32) {
  var sum = 0.0;
  var bad = 0u;
  for (var i = t; i < job.count; i += WIDTH) {
    sum += grad[i * 2u];
    bad |= select(0u, 1u, grad[i * 2u + 1u] != 0.0);
  }
  sums[t] = sum;
  flags[t] = bad;
  fold(t);
  if (t == 0u) {
    let norm = sqrt(sums[0]);
    out[0] = norm;
    out[1] = min(1.0, job.max_norm / (norm + 1e-6));
    out[2] = f32(1u - (flags[0] | not_finite(sums[0])));
    out[3] = sums[0];
  }
}
