// Entry point back of small.wgsl: one workgroup per matrix. LANES of the threads go along the vectors, four vectors each;
// the others go along the rows of z. One sweep applies a reflection and computes the products that the next one needs.

@group(0) @binding(0) var<storage, read_write> w: array<f32>; // scratch
@group(0) @binding(1) var<storage, read_write> u: array<f32>; // [B, m, r]
@group(0) @binding(2) var<uniform> s: Shape;

var<workgroup> part: array<vec4f, 256>;

@compute @workgroup_size(WIDTH)
fn back(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) t: u32) {
  let m = s.rows;
  let q = min(m, s.cols);
  let tall = m >= s.cols;
  let mine = wg.x * s.stride;
  let lane = t % LANES;
  let row = t / LANES;
  let ROWS = WIDTH / LANES;

  // Reflection i starts at row i + shift of z with a 1: column i of W if a is tall, otherwise row i.
  let along = select(1u, s.line, tall);
  let across = select(s.line, 1u, tall);
  let shift = select(1u, 0u, tall);
  for (var c = 0u; c < s.width; c += 4u * LANES) {
    let z = mine + s.z + c + lane; // the thread's vectors: this one, and three more LANES apart
    var factor = vec4f(); // τ hᵀz of the reflection to apply; the first round has none
    for (var i = q - shift; ; i--) {
      var sum = vec4f();
      let next = max(i, 1u) - 1u;
      let h = mine + i * across;
      let h_next = mine + next * across;
      let start = next + shift; // reflection i has nothing, and must not be read, at this row
      for (var k0 = start + (ROWS + row - start % ROWS) % ROWS; k0 < m; k0 += ROWS * BLOCK) {
        var block = vec4f();
        for (var k = k0; k < min(m, k0 + ROWS * BLOCK); k += ROWS) {
          let o = z + k * s.width;
          var x = vec4f(w[o], w[o + LANES], w[o + 2u * LANES], w[o + 3u * LANES]);
          if (i < q - shift && k >= i + shift) {
            x -= factor * w[h + k * along];
            w[o] = x.x;
            w[o + LANES] = x.y;
            w[o + 2u * LANES] = x.z;
            w[o + 3u * LANES] = x.w;
          }
          block += w[h_next + k * along] * x;
        }
        sum += block;
      }
      if (i == 0u) { break; }
      part[row * LANES + lane] = sum;
      workgroupBarrier();
      var total = vec4f();
      for (var l = 0u; l < ROWS; l++) { total += part[l * LANES + lane]; }
      factor = total * w[mine + s.tau + next];
      workgroupBarrier();
    }
  }
  sync();

  for (var v = t; v < s.r; v += WIDTH) {
    var squares = 0.0;
    var biggest = 0.0;
    var sign = 1.0;
    for (var i0 = 0u; i0 < m; i0 += 4u * BLOCK) {
      var block = 0.0;
      for (var i = i0; i < min(m, i0 + 4u * BLOCK); i++) {
        let x = w[mine + s.z + i * s.width + v];
        block += x * x;
        if (abs(x) > biggest) {
          biggest = abs(x);
          sign = select(1.0, -1.0, x < 0.0);
        }
      }
      squares += block;
    }
    let scale = sign / sqrt(squares);
    for (var i = 0u; i < m; i++) { u[(wg.x * m + i) * s.r + v] = scale * w[mine + s.z + i * s.width + v]; }
  }
}
