import type { Intervention, Vector } from '../../../contract/latents';
import { InputError } from '../../base/errors';
import { siteId, uniformAt } from '../../base/philox';

/** r orthonormal directions, [r, H], and the point they are taken around. */
export interface Basis {
  readonly rows: Float64Array;
  readonly centre: Float64Array;
}

/** Where the values that an operation names come from, [H] each. */
export interface Sources {
  vector(vector: Vector): Promise<Float64Array>;
  /** The r leading directions of the states at this place over the first training problems. */
  basis(problems: number, rank: number, centre: boolean): Promise<Basis>;
}

/**
 * The state h [H] after the operation, in float64, by the formulas of `operation` in contract/latents.
 * @throws InputError for a vector without a direction where one is needed
 */
export async function operated(
  h: Float64Array,
  intervention: Intervention,
  sources: Sources,
): Promise<Float64Array> {
  const { operation } = intervention;
  switch (operation.kind) {
    case 'zero':
      return new Float64Array(h.length);
    case 'noise': {
      const g = normals(operation.seed, intervention, h.length);
      return scaled(g, norm(h) / norm(g));
    }
    case 'scale':
      return scaled(h, operation.factor);
    case 'replace':
      return sources.vector(operation.by);
    case 'interpolate':
      return sum(scaled(h, 1 - operation.share), await sources.vector(operation.with), operation.share);
    case 'add':
      return sum(h, await sources.vector(operation.vector), operation.factor);
    case 'remove': {
      const v = await sources.vector(operation.vector);
      const square = dot(v, v);
      if (square === 0)
        throw new InputError(
          'the vector whose direction is to be projected out is zero',
          'Choose another vector.',
        );
      return sum(h, v, -dot(h, v) / square);
    }
    case 'project': {
      const basis = await sources.basis(operation.problems, operation.rank, operation.centre);
      const inside = projected(h, basis);
      if (operation.keep === 'inside') return inside;
      // What is left of h − c outside the directions, around c again.
      return sum(sum(h, inside, -1), basis.centre, 1);
    }
  }
}

/** c + V·Vᵀ(h − c) */
function projected(h: Float64Array, { rows, centre }: Basis): Float64Array {
  const H = h.length;
  const from = sum(h, centre, -1);
  let out: Float64Array = Float64Array.from(centre);
  for (let k = 0; k * H < rows.length; k++) {
    const direction = rows.subarray(k * H, (k + 1) * H);
    out = sum(out, direction, dot(from, direction));
  }
  return out;
}

/**
 * Standard normal numbers (Box–Muller, the cosine of each pair of uniforms) that depend on seed, position, place and index alone.
 */
function normals(
  seed: number,
  { of, step, at }: Pick<Intervention, 'of' | 'step' | 'at'>,
  count: number,
): Float64Array {
  const layer = at.site === 'latent' ? 0 : at.layer;
  const key = { seed, step, layer, site: siteId(`noise at ${at.site}${of ? ` of the ${of}` : ''}`) };
  return Float64Array.from({ length: count }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(key, 2 * i)));
    return radius * Math.cos(2 * Math.PI * uniformAt(key, 2 * i + 1));
  });
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
};

export const norm = (x: ArrayLike<number>): number => Math.sqrt(dot(x, x));

const scaled = (x: Float64Array, factor: number): Float64Array => x.map((value) => value * factor);

/** a + factor·b */
export const sum = (a: Float64Array, b: Float64Array, factor: number): Float64Array =>
  a.map((value, i) => value + factor * (b[i] as number));
