// AdamW in place over one flat buffer, with the semantics of torch.optim.AdamW. CPU twin: adamw.cpu.ts.

struct Step {
  count: u32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 − beta1, computed in float64
  rest2: f32, // 1 − beta2
  eps: f32,
  decay: f32, // 1 − lr·weightDecay
  step_size: f32, // lr / (1 − beta1^step)
  root_correction: f32, // √(1 − beta2^step)
}

@group(0) @binding(0) var<storage, read_write> param: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read> norm: array<f32>; // norm, clip, finite, sum of squares
@group(0) @binding(5) var<uniform> s: Step;

@compute @workgroup_size(256)
fn step(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) n: vec3u, @builtin(local_invocation_index) t: u32) {
  let i = (wg.y * n.x + wg.x) * 256u + t;
  if (i >= s.count || norm[2] == 0.0) { return; }
  let g = grad[i] * norm[1];
  let mi = s.beta1 * m[i] + s.rest1 * g;
  let vi = s.beta2 * v[i] + s.rest2 * g * g;
  m[i] = mi;
  v[i] = vi;
  param[i] = param[i] * s.decay - s.step_size * mi / (sqrt(vi) / s.root_correction + s.eps);
}
