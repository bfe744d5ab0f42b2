// The parameters of every step of the large decomposition; prepended to each of the other large-*.wgsl.
//
// a [B, m, n] becomes W [p, q], p ≥ q: a itself scaled by a power of two, or its transpose where m < n. W = L·Bid·Rᵀ
// with Bid upper bidiagonal (d on the diagonal, e above it); L is the product of the reflections I − tau v vᵀ, R that
// of I − tau u uᵀ. Rows of W are `ldq` floats apart and vectors of length p `ldp` apart, both multiples of 4, padded with
// zeros. Matrix z of the batch is workgroup_id.z.
struct Shape {
  m: u32,
  n: u32,
  p: u32,
  q: u32,
  ldp: u32,
  ldq: u32,
  r: u32,
  // Vectors of length p, and of length q, in `reflectors`: [held, ldp], then [held, ldq]. The reduction keeps its
  // Householder vectors v_i and u_i there, Lanczos its basis.
  held: u32,
  // Maximum number of vectors that one is multiplied with at a time, and rows per chunk of Wᵀv (a multiple of 4).
  width: u32,
  chunk: u32,
  // Floats per matrix in `panel`, `scalars` and `vectors`; W has ldp · ldq.
  panel_size: u32,
  scalars_size: u32,
  vectors_size: u32,
  // Offsets in `panel`: X [width, ldp], Y [width, ldq] (reduction), part [chunks, ldq], raw [16, ldp].
  x: u32,
  y: u32,
  part: u32,
  raw: u32,
  // Offsets in `scalars`: dots [4, width], gk [2q], tau_l [q], tau_r [q] (reduction); norms [2, held], coefficients
  // [2, r, held], ritz [r], residuals [r] (Lanczos).
  dots: u32,
  gk: u32,
  tau_l: u32,
  tau_r: u32,
  norms: u32,
  coefficients: u32,
  ritz: u32,
  residuals: u32,
  // The current vector; how many before it count; the first quads of its product's rows and columns; 0 for vectors of
  // length p, 1 for those of length q.
  i: u32,
  c: u32,
  top: u32,
  left: u32,
  side: u32,
}

fn reflectors_size(s: Shape) -> u32 { return s.held * (s.ldp + s.ldq); }

// A pseudo-random value in [−0.5, 0.5).
fn noise(i: u32, v: u32) -> f32 {
  var x = i * 2654435769u + v * 2246822519u + 374761393u;
  x = (x ^ (x >> 15u)) * 2246822519u;
  x = (x ^ (x >> 13u)) * 3266489917u;
  return f32((x ^ (x >> 16u)) >> 8u) / 16777216.0 - 0.5;
}
