import { createAnchorLoss } from '../kernels/anchorloss/anchorloss';
import { anchorLossCpu } from '../kernels/anchorloss/anchorloss.cpu';
import { createMomentLoss, momentLossScratch } from '../kernels/momentloss/momentloss';
import { momentLossCpu } from '../kernels/momentloss/momentloss.cpu';
import { createMoments } from '../kernels/moments/moments';
import { momentsCpu } from '../kernels/moments/moments.cpu';
import { createProjection } from '../kernels/projection/projection';
import { projectionCpu, projectionTransposeCpu } from '../kernels/projection/projection.cpu';
import { ANCHOR_LOSS_CASES, errorsOf, MOMENT_LOSS_CASES, MOMENTS_CASES, PROJECTION_CASES } from './cases';
import { adamWTrial, convertTrial, gradNormTrial } from './optimiser';
import { type KernelTrial, relative } from './trial';

const projection: KernelTrial<(typeof PROJECTION_CASES)[number]> = {
  kernel: 'Tucker projection',
  measures: [relative('G'), relative('gradient')],
  cases: PROJECTION_CASES,
  onCpu({ shape, inputs: [x, uL, uH, dg], want }) {
    return errorsOf([projectionCpu(x, uL, uH, shape), projectionTransposeCpu(dg, uL, uH, shape)], want);
  },
  async onGpu(device) {
    const kernel = await createProjection(device);
    return async ({ shape, inputs, want }, space) => {
      const [x, uL, uH, dg] = [
        space.input(inputs[0]),
        space.input(inputs[1]),
        space.input(inputs[2]),
        space.input(inputs[3]),
      ];
      const [g, dx] = [space.output(inputs[3].length), space.output(inputs[0].length)];
      space.run((batch) => {
        kernel.project(batch, x, uL, uH, g, shape);
        kernel.transpose(batch, dg, uL, uH, dx, shape);
      });
      return errorsOf([await space.read(g), await space.read(dx)], want);
    };
  },
};

const moments: KernelTrial<(typeof MOMENTS_CASES)[number]> = {
  kernel: 'Moments',
  measures: [relative('μ'), relative('C')],
  cases: MOMENTS_CASES,
  onCpu({ shape, g, want }) {
    const { mu, c } = momentsCpu(g, shape);
    return errorsOf([mu, c], want);
  },
  async onGpu(device) {
    const kernel = await createMoments(device);
    return async ({ shape, g, want }, space) => {
      const { batch: samples, rank } = shape;
      const [mu, c] = [space.output(samples * rank), space.output(samples * rank * rank)];
      const rows = space.input(g);
      space.run((batch) => kernel(batch, rows, mu, c, shape));
      return errorsOf([await space.read(mu), await space.read(c)], want);
    };
  },
};

const momentLoss: KernelTrial<(typeof MOMENT_LOSS_CASES)[number]> = {
  kernel: 'Moment loss',
  measures: [relative('loss'), relative('gradient')],
  cases: MOMENT_LOSS_CASES,
  onCpu({ shape, weights, inputs, want }) {
    const { loss, dg } = momentLossCpu(...inputs, shape, weights);
    return errorsOf([loss, dg], want);
  },
  async onGpu(device) {
    const kernel = await createMomentLoss(device);
    return async ({ shape, weights, inputs: [g, muT, cT], want }, space) => {
      const out = {
        loss: space.output(shape.batch),
        terms: space.output(2 * shape.batch),
        dg: space.output(g.length),
        scratch: space.output(momentLossScratch(shape) / 4),
      };
      const inputs = [space.input(g), space.input(muT), space.input(cT)] as const;
      space.run((batch) => kernel(batch, ...inputs, out, shape, weights));
      return errorsOf([await space.read(out.loss), await space.read(out.dg)], want);
    };
  },
};

const anchorLoss: KernelTrial<(typeof ANCHOR_LOSS_CASES)[number]> = {
  kernel: 'Anchor loss',
  measures: [relative('loss'), relative('gradient')],
  cases: ANCHOR_LOSS_CASES,
  onCpu({ shape, inputs, want }) {
    const { loss, dh } = anchorLossCpu(...inputs, shape);
    return errorsOf([loss, dh], want);
  },
  async onGpu(device) {
    const kernel = await createAnchorLoss(device);
    return async ({ shape, inputs: [h, target, uH, scale], want }, space) => {
      const out = {
        loss: space.output(shape.batch),
        dh: space.output(h.length),
        scratch: space.output(shape.batch * shape.layers),
      };
      const inputs = [space.input(h), space.input(target), space.input(uH), space.input(scale)] as const;
      space.run((batch) => kernel(batch, ...inputs, out, shape));
      return errorsOf([await space.read(out.loss), await space.read(out.dh)], want);
    };
  },
};

/** Every kernel but the decomposition. Each entry takes its own cases only. */
export const KERNEL_TRIALS = [
  projection,
  moments,
  momentLoss,
  anchorLoss,
  adamWTrial,
  gradNormTrial,
  convertTrial,
] as readonly unknown[] as readonly KernelTrial[];
