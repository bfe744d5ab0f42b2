/** Runs with all the snapshots that they hand out, and the parts of these that must be equal to the bit. */
import type { RunConfig } from '../../../contract/config';
import type { KeptEvent, RunResult, StepEvent } from '../../../contract/events';
import { type RunSnapshot, SNAPSHOT_KEYS } from '../../../contract/snapshot';
import type { SnapshotStatus } from '../../../contract/snapshot-status';
import { readHeader } from '../../checkpoint/safetensors';
import { memorySource } from '../../checkpoint/source';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { watch } from './tiny-run.testing';

export async function openTiny(options?: Parameters<typeof tinyPair>[0]): Promise<LoriWorkbench> {
  const made = new LoriWorkbench(tinyEnvironment(await tinyPair(options)));
  await made.open('wasm');
  await made.loadPair('models');
  return made;
}

export interface Kept {
  readonly result: RunResult | null;
  readonly steps: readonly StepEvent[];
  readonly kept: readonly KeptEvent[];
  readonly snapshots: readonly RunSnapshot[];
}

/** Trains from the start, or from a snapshot, to the end or to a stop, and keeps every snapshot. */
export async function keepAll(
  from: RunConfig | Uint8Array<ArrayBuffer>,
  { on, stopAt = 0 }: { readonly on: LoriWorkbench; readonly stopAt?: number },
): Promise<Kept> {
  const snapshots: RunSnapshot[] = [];
  const watched = watch((event) => {
    if (event.kind === 'step' && event.step === stopAt) void on.control('stop');
  });
  const options = {
    report: watched.report,
    keep: async (snapshot: RunSnapshot) => void snapshots.push(snapshot),
  };
  const result = await (from instanceof Uint8Array ? on.resume(from, options) : on.distil(from, options));
  const kept = watched.events.filter((event) => event.kind === 'kept');
  return { result, steps: watched.steps(), kept, snapshots };
}

export const at = ({ snapshots }: Kept, step: number, status: SnapshotStatus = 'training'): RunSnapshot => {
  const found = snapshots.find((one) => one.step === step && one.status === status);
  if (!found) throw new Error(`no snapshot of step ${step}, ${status}`);
  return found;
};

/**
 * A snapshot without anything that depends on timing: its tensors to the bit, and its series without
 * milliseconds.
 */
export async function contents({ file }: RunSnapshot) {
  const { metadata, tensors } = await readHeader(memorySource(file.buffer));
  const { seconds: _s, savedAt: _a, ...header } = JSON.parse(metadata.get(SNAPSHOT_KEYS.header) ?? '');
  const series = JSON.parse(metadata.get(SNAPSHOT_KEYS.series) ?? '');
  const bytes = Object.fromEntries(
    [...tensors].map(([name, { begin, end }]) => [
      name,
      Buffer.from(file.slice(begin, end)).toString('base64'),
    ]),
  );
  return {
    header,
    bytes,
    series: {
      ...series,
      milliseconds: null,
      accuracy: series.accuracy.map((one: object) => ({ ...one, milliseconds: null })),
    },
  };
}

export const losses = ({ steps }: Kept) => steps.map((step) => [step.step, step.losses, step.gradientNorm]);
