import { ShapeError } from '../../base/errors';
import { type Batch, foldGroups } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes, expectDims } from '../shared/check';
import type { ProjectionShape } from './projection.cpu';
import code from './projection.wgsl?raw';

const BINDINGS = ['read', 'read', 'read', 'write', 'uniform'] as const;

/** Fixed by the shader's workgroup array. */
export const MAX_LAYERS = 64;
export const MAX_RANK_H = 512;
/** Hidden entries that one workgroup of `transposed` computes. */
const SPAN = 512;

export interface ProjectionKernel {
  /** Records x [B, M, L, H] → g [B, M, r_L·r_H]. Throws `ShapeError`. */
  project(
    batch: Batch,
    x: DeviceBuffer,
    uL: DeviceBuffer,
    uH: DeviceBuffer,
    g: DeviceBuffer,
    s: ProjectionShape,
  ): void;
  /** Records dg [B, M, r_L·r_H] → dx [B, M, L, H]. Throws `ShapeError`. */
  transpose(
    batch: Batch,
    dg: DeviceBuffer,
    uL: DeviceBuffer,
    uH: DeviceBuffer,
    dx: DeviceBuffer,
    s: ProjectionShape,
  ): void;
}

/** Compiles the kernel (once per device). Rejects with `DeviceError`. */
export async function createProjection(device: Device): Promise<ProjectionKernel> {
  const [project, transposed] = await Promise.all([
    device.pipeline(code, 'project', BINDINGS, 'projection'),
    device.pipeline(code, 'transposed', BINDINGS, 'projection transposed'),
  ]);
  const uniforms = (s: ProjectionShape, pieces: number) =>
    packUniforms(
      ['u', s.batch],
      ['u', s.rows],
      ['u', s.layers],
      ['u', s.hidden],
      ['u', s.rankL],
      ['u', s.rankH],
      ['u', s.perSample ? 1 : 0],
      ['u', pieces],
    );
  return {
    project(batch, x, uL, uH, g, s) {
      check(s, uL, uH);
      expectBytes('projection', 'x', x.bytes, [s.batch, s.rows, s.layers, s.hidden]);
      expectBytes('projection', 'g', g.bytes, [s.batch, s.rows, s.rankL * s.rankH]);
      const pieces = Math.ceil(s.rankH / 32);
      batch.dispatch(project, [x, uL, uH, g], uniforms(s, pieces), foldGroups(s.batch * s.rows * pieces));
    },
    transpose(batch, dg, uL, uH, dx, s) {
      check(s, uL, uH);
      expectBytes('projection', 'dg', dg.bytes, [s.batch, s.rows, s.rankL * s.rankH]);
      expectBytes('projection', 'dx', dx.bytes, [s.batch, s.rows, s.layers, s.hidden]);
      const pieces = Math.ceil(s.hidden / SPAN);
      const jobs = s.batch * s.rows * s.layers * pieces;
      batch.dispatch(transposed, [dg, uL, uH, dx], uniforms(s, pieces), foldGroups(jobs));
    },
  };
}

function check(s: ProjectionShape, uL: DeviceBuffer, uH: DeviceBuffer): void {
  const { batch, rows, layers, hidden, rankL, rankH } = s;
  expectDims('projection', { batch, rows, layers, hidden, rankL, rankH });
  if (layers > MAX_LAYERS || rankH > MAX_RANK_H) {
    throw new ShapeError(
      `projection: ${layers} layers and rank ${rankH} given; the shader takes at most ${MAX_LAYERS} and ${MAX_RANK_H}`,
    );
  }
  const factors = s.perSample ? batch : 1;
  expectBytes('projection', 'uL', uL.bytes, [factors, layers, rankL]);
  expectBytes('projection', 'uH', uH.bytes, [factors, hidden, rankH]);
}
