import type { Device } from '../device/device';
import { createAdamW } from '../kernels/adamw/adamw';
import { adamWCpu } from '../kernels/adamw/adamw.cpu';
import { createAnchorLoss } from '../kernels/anchorloss/anchorloss';
import { anchorLossCpu } from '../kernels/anchorloss/anchorloss.cpu';
import { createConvert } from '../kernels/convert/convert';
import { type Conversion, convertCpu, convertedBytes } from '../kernels/convert/convert.cpu';
import conversions from '../kernels/convert/convert.golden.json';
import { createGradNorm, gradNormScratch } from '../kernels/gradnorm/gradnorm';
import { gradNormCpu } from '../kernels/gradnorm/gradnorm.cpu';
import { createMomentLoss, momentLossScratch } from '../kernels/momentloss/momentloss';
import { momentLossCpu } from '../kernels/momentloss/momentloss.cpu';
import { createMoments } from '../kernels/moments/moments';
import { momentsCpu } from '../kernels/moments/moments.cpu';
import { createProjection } from '../kernels/projection/projection';
import { projectionCpu, projectionTransposeCpu } from '../kernels/projection/projection.cpu';
import { KERNEL_TOLERANCE, relativeError, unpackF32 } from '../kernels/shared/golden';
import losses from '../kernels/shared/losses.golden.json';
import type { Workspace } from '../kernels/shared/workspace';

/** What an error is of, and how large it may be. */
export interface Measure {
  readonly measure: string;
  readonly tolerance: number;
}

/** One kernel's stored cases. Both runs give the case's largest error by each of `measures`. */
export interface KernelTrial<C = unknown> {
  readonly kernel: string;
  readonly measures: readonly Measure[];
  readonly cases: readonly C[];
  onCpu(c: C): readonly number[] | Promise<readonly number[]>;
  /** Compiles the kernel; the result runs one case in buffers that the caller frees. */
  onGpu(device: Device): Promise<(c: C, space: Workspace) => Promise<readonly number[]>>;
}

const relative = (of: string): Measure => ({ measure: `${of}, relative`, tolerance: KERNEL_TOLERANCE });

/** Each output against its stored truth. */
const errors = (got: readonly Float32Array[], want: readonly string[]): readonly number[] =>
  got.map((values, i) => relativeError(values, unpackF32(want[i] as string)));

const projection: KernelTrial<(typeof losses.projection)[number]> = {
  kernel: 'Tucker projection',
  measures: [relative('G'), relative('gradient')],
  cases: losses.projection,
  onCpu(c) {
    const [uL, uH] = [unpackF32(c.uL), unpackF32(c.uH)];
    const g = projectionCpu(unpackF32(c.x), uL, uH, c.shape);
    return errors([g, projectionTransposeCpu(unpackF32(c.dg), uL, uH, c.shape)], [c.g, c.dx]);
  },
  async onGpu(device) {
    const kernel = await createProjection(device);
    return async (c, space) => {
      const [x, dg] = [unpackF32(c.x), unpackF32(c.dg)];
      const [uL, uH] = [space.input(unpackF32(c.uL)), space.input(unpackF32(c.uH))];
      const [g, dx] = [space.output(dg.length), space.output(x.length)];
      const [from, cotangent] = [space.input(x), space.input(dg)];
      space.run((batch) => {
        kernel.project(batch, from, uL, uH, g, c.shape);
        kernel.transpose(batch, cotangent, uL, uH, dx, c.shape);
      });
      return errors([await space.read(g), await space.read(dx)], [c.g, c.dx]);
    };
  },
};

const moments: KernelTrial<(typeof losses.moments)[number]> = {
  kernel: 'Moments',
  measures: [relative('μ'), relative('C')],
  cases: losses.moments,
  onCpu(c) {
    const { mu, c: second } = momentsCpu(unpackF32(c.g), c.shape);
    return errors([mu, second], [c.mu, c.c]);
  },
  async onGpu(device) {
    const kernel = await createMoments(device);
    return async (c, space) => {
      const { batch: samples, rank } = c.shape;
      const g = space.input(unpackF32(c.g));
      const [mu, second] = [space.output(samples * rank), space.output(samples * rank * rank)];
      space.run((batch) => kernel(batch, g, mu, second, c.shape));
      return errors([await space.read(mu), await space.read(second)], [c.mu, c.c]);
    };
  },
};

const momentLoss: KernelTrial<(typeof losses.momentloss)[number]> = {
  kernel: 'Moment loss',
  measures: [relative('loss'), relative('gradient')],
  cases: losses.momentloss,
  onCpu(c) {
    const [g, muT, cT] = [unpackF32(c.g), unpackF32(c.muT), unpackF32(c.cT)];
    const { loss, dg } = momentLossCpu(g, muT, cT, c.shape, c.weights);
    return errors([loss, dg], [c.loss, c.dg]);
  },
  async onGpu(device) {
    const kernel = await createMomentLoss(device);
    return async (c, space) => {
      const [g, muT, cT] = [unpackF32(c.g), unpackF32(c.muT), unpackF32(c.cT)];
      const out = {
        loss: space.output(c.shape.batch),
        terms: space.output(2 * c.shape.batch),
        dg: space.output(g.length),
        scratch: space.output(momentLossScratch(c.shape) / 4),
      };
      const inputs = [space.input(g), space.input(muT), space.input(cT)] as const;
      space.run((batch) => kernel(batch, ...inputs, out, c.shape, c.weights));
      return errors([await space.read(out.loss), await space.read(out.dg)], [c.loss, c.dg]);
    };
  },
};

const anchorLoss: KernelTrial<(typeof losses.anchorloss)[number]> = {
  kernel: 'Anchor loss',
  measures: [relative('loss'), relative('gradient')],
  cases: losses.anchorloss,
  onCpu(c) {
    const [h, target, uH, scale] = [
      unpackF32(c.h),
      unpackF32(c.target),
      unpackF32(c.uH),
      unpackF32(c.layerScale),
    ];
    const { loss, dh } = anchorLossCpu(h, target, uH, scale, c.shape);
    return errors([loss, dh], [c.loss, c.dh]);
  },
  async onGpu(device) {
    const kernel = await createAnchorLoss(device);
    return async (c, space) => {
      const h = unpackF32(c.h);
      const out = {
        loss: space.output(c.shape.batch),
        dh: space.output(h.length),
        scratch: space.output(c.shape.batch * c.shape.layers),
      };
      const inputs = [
        space.input(h),
        space.input(unpackF32(c.target)),
        space.input(unpackF32(c.uH)),
        space.input(unpackF32(c.layerScale)),
      ] as const;
      space.run((batch) => kernel(batch, ...inputs, out, c.shape));
      return errors([await space.read(out.loss), await space.read(out.dh)], [c.loss, c.dh]);
    };
  },
};

type AdamWCase = (typeof losses.adamw)[number];

/** [norm, clip, finite, sum of squares] of gradient `i` as torch clips it. */
function torchNorm(c: AdamWCase, i: number): Float32Array<ArrayBuffer> {
  const norm = c.norms[i] as number;
  return new Float32Array([norm, Math.min(1, c.maxNorm / (norm + 1e-6)), 1, norm * norm]);
}

const adamW: KernelTrial<AdamWCase> = {
  kernel: 'AdamW',
  measures: [relative('parameters'), relative('first moments'), relative('second moments')],
  cases: losses.adamw,
  onCpu(c) {
    const param = unpackF32(c.param);
    const [m, v] = [new Float32Array(param.length), new Float32Array(param.length)];
    c.grads.forEach((grad, i) => {
      adamWCpu(param, unpackF32(grad), m, v, torchNorm(c, i), { ...c.settings, step: i + 1 });
    });
    return errors([param, m, v], [c.paramAfter, c.mAfter, c.vAfter]);
  },
  async onGpu(device) {
    const kernel = await createAdamW(device);
    return async (c, space) => {
      const start = unpackF32(c.param);
      const param = space.input(start);
      const [m, v] = [new Float32Array(start.length), new Float32Array(start.length)].map((x) =>
        space.input(x),
      ) as [typeof param, typeof param];
      c.grads.forEach((packed, i) => {
        const [grad, norm] = [space.input(unpackF32(packed)), space.input(torchNorm(c, i))];
        const step = { ...c.settings, step: i + 1 };
        space.run((batch) => kernel(batch, param, grad, m, v, norm, start.length, step));
      });
      const got = [await space.read(param), await space.read(m), await space.read(v)];
      return errors(got, [c.paramAfter, c.mAfter, c.vAfter]);
    };
  },
};

/** Norm, clip and sum of squares, each relative; a wrong flag is an infinite error. */
function normError(got: Float32Array, want: Float32Array): number {
  if (got[2] !== want[2]) return Infinity;
  return Math.max(...[0, 1, 3].map((i) => relativeError([got[i] as number], [want[i] as number])));
}

const gradNorm: KernelTrial<AdamWCase> = {
  kernel: 'Gradient norm and clip',
  measures: [relative('norm and clip')],
  cases: losses.adamw,
  onCpu: (c) => [
    Math.max(
      ...c.grads.map((packed, i) => {
        const grad = unpackF32(packed);
        const parts = [grad.subarray(0, c.first), grad.subarray(c.first)];
        return normError(gradNormCpu(parts, c.maxNorm), torchNorm(c, i));
      }),
    ),
  ],
  async onGpu(device) {
    const kernel = await createGradNorm(device);
    return async (c, space) => {
      let worst = 0;
      for (const [i, packed] of c.grads.entries()) {
        const grad = unpackF32(packed);
        const parts = [space.input(grad.slice(0, c.first)), space.input(grad.slice(c.first))];
        const [out, scratch] = [space.output(4), space.output(gradNormScratch(2) / 4)];
        space.run((batch) => kernel(batch, parts, out, scratch, c.maxNorm));
        worst = Math.max(worst, normError(await space.read(out), torchNorm(c, i)));
      }
      return [worst];
    };
  },
};

const unpackWords = (text: string): Uint32Array => new Uint32Array(unpackF32(text).buffer);

const differing = (got: Uint32Array, want: Uint32Array): readonly number[] => [
  got.length === want.length ? got.filter((word, i) => word !== want[i]).length : Infinity,
];

const convert: KernelTrial<(typeof conversions.cases)[number]> = {
  kernel: 'bf16 and f16 conversion',
  measures: [{ measure: 'words with another bit', tolerance: 0 }],
  cases: conversions.cases,
  onCpu: (c) =>
    differing(convertCpu(unpackWords(c.words), c.count, c.conversion as Conversion), unpackWords(c.out)),
  async onGpu(device) {
    const kernel = await createConvert(device);
    return async (c, space) => {
      const conversion = c.conversion as Conversion;
      const from = space.input(unpackWords(c.words));
      const to = space.output(convertedBytes(conversion, c.count) / 4);
      space.run((batch) => kernel(batch, from, to, c.count, conversion));
      return differing(new Uint32Array((await space.read(to)).buffer), unpackWords(c.out));
    };
  },
};

/** Every kernel but the decomposition. Each entry takes its own cases only. */
export const KERNEL_TRIALS = [
  projection,
  moments,
  momentLoss,
  anchorLoss,
  adamW,
  gradNorm,
  convert,
] as readonly unknown[] as readonly KernelTrial[];
