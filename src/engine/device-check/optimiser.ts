import { createAdamW } from '../kernels/adamw/adamw';
import { adamWCpu } from '../kernels/adamw/adamw.cpu';
import { createConvert } from '../kernels/convert/convert';
import { type Conversion, convertCpu, convertedBytes } from '../kernels/convert/convert.cpu';
import conversions from '../kernels/convert/convert.golden.json';
import { createGradNorm, gradNormScratch } from '../kernels/gradnorm/gradnorm';
import { gradNormCpu } from '../kernels/gradnorm/gradnorm.cpu';
import { relativeError, unpackF32 } from '../kernels/shared/golden';
import losses from '../kernels/shared/losses.golden.json';
import { type KernelTrial, relative } from './trial';

/** Each output's error against its stored reference. */
const errors = (got: readonly Float32Array[], want: readonly string[]): readonly number[] =>
  got.map((values, i) => relativeError(values, unpackF32(want[i] as string)));

type AdamWCase = (typeof losses.adamw)[number];

/** [norm, clip, finite, sum of squares] of gradient `i`, clipped by torch. */
function torchNorm(c: AdamWCase, i: number): Float32Array<ArrayBuffer> {
  const norm = c.norms[i] as number;
  return new Float32Array([norm, Math.min(1, c.maxNorm / (norm + 1e-6)), 1, norm * norm]);
}

export const adamWTrial: KernelTrial<AdamWCase> = {
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

export const gradNormTrial: KernelTrial<AdamWCase> = {
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

export const convertTrial: KernelTrial<(typeof conversions.cases)[number]> = {
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
