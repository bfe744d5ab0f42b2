import type { KeptStudent } from '../../storage/students';
import type { RunState } from './run';
import type { Status } from './task';

/** What becomes of a run whose GPU was lost: it resumes by itself from its checkpoint, or is only offered. */
export interface Recovery {
  /** Id of the run. */
  readonly run: string;
  /** Steps that were done when the GPU was lost, and steps done in the checkpoint. */
  readonly lostAt: number;
  readonly from: number;
  /** Why it does not resume by itself; `null` if it does. */
  readonly refused: string | null;
}

/** A loss of the GPU during a run. */
export interface Loss {
  readonly run: string;
  /** Steps done. */
  readonly step: number;
  /** Milliseconds, of any clock. */
  readonly at: number;
}

/** What a run was doing when its GPU was lost. */
export interface RunWhenLost extends Pick<RunState, 'isStopping'> {
  readonly status: Status;
}

/** Milliseconds within which a second loss is taken for the run's own doing. */
export const AGAIN_WITHIN = 60_000;

const NOT_TRAINING: Readonly<Partial<Record<Status, string>>> = {
  pausing: 'it was being paused',
  paused: 'it was paused',
  cancelling: 'it was being discarded',
};

/**
 * @param before the loss before this one, in any run
 * @param run as it was when the GPU was lost
 * @returns `null` if there is nothing to resume from
 */
export function recoveryOf(
  { run: id, step, at }: Loss,
  before: Loss | null,
  run: RunWhenLost,
  kept: KeptStudent | undefined,
): Recovery | null {
  if (!kept || kept.status === 'done') return null;
  const isSame = before?.run === id;
  const refused =
    (run.isStopping ? 'it was being stopped' : NOT_TRAINING[run.status]) ??
    (isSame && step <= before.step
      ? `the GPU was lost before, and it has got no further than step ${before.step} since`
      : before && at - before.at < AGAIN_WITHIN
        ? `the GPU was lost a second time within ${AGAIN_WITHIN / 1000} s`
        : null);
  return { run: id, lostAt: Math.max(step, kept.step), from: kept.step, refused };
}

/** What was lost, and what happens now. */
export function recoverySentence({ lostAt, from, refused }: Recovery): string {
  const steps = lostAt - from;
  const lost = steps === 0 ? 'no step is lost' : `${steps === 1 ? '1 step is' : `${steps} steps are`} lost`;
  const kept = `The GPU was lost after step ${lostAt}; the run’s checkpoint is of step ${from}, so that ${lost}.`;
  return refused === null
    ? `${kept} It resumes from there on a new device.`
    : `${kept} It does not resume by itself: ${refused}.`;
}
