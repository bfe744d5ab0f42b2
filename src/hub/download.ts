import { bytesOf, type DownloadPlan, type Manifest, type Proof } from '../storage/checkpoint-rows';
import type { Shelf } from '../storage/checkpoint-shelf';
import { Speedometer, type TransferProgress } from './progress';
import type { Limits, Waiting } from './request';
import { fileAddress } from './source';
import { transfer } from './transfer';

export interface DownloadOptions {
  readonly token: string | null;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly report: (progress: TransferProgress) => void;
  /** Replaces the global fetch, for tests. */
  readonly fetch?: typeof fetch;
}

/** Milliseconds between two progress reports. */
const PACE = 200;

/**
 * Downloads the files of `plan`, one after another, onto the shelf; complete ones are not requested again.
 * The manifest is written when all are complete and verified.
 * @throws HubError, StorageError, or the signal's reason; what has arrived stays on the shelf
 */
export async function download(
  plan: DownloadPlan,
  shelf: Shelf,
  options: DownloadOptions,
): Promise<Manifest> {
  const { signal, report, limits, token } = options;
  const total = bytesOf(plan.files);
  const speedometer = new Speedometer();
  const proofs = new Map<string, Proof>();
  let before = 0;
  let told = Number.NEGATIVE_INFINITY;
  let waiting: Waiting | null = null;

  const tell = (file: string, bytes: number, isChecking: boolean, when: 'now' | 'due') => {
    const now = performance.now();
    const done = before + bytes;
    if (when === 'due' && now - told < PACE) return;
    told = now;
    if (!isChecking) speedometer.note(done, now);
    report({
      done,
      total,
      file,
      speed: waiting ? 0 : speedometer.speed(),
      left: waiting ? null : speedometer.left(total - done),
      waiting,
      isChecking,
    });
  };

  for (const file of plan.files) {
    signal.throwIfAborted();
    const part = await shelf.open(file);
    if (part !== null) {
      try {
        let bytes = part.size;
        tell(file.path, 0, bytes > 0, 'now');
        const proof = await transfer(file, part, {
          base: plan.base,
          url: fileAddress(plan, file.path),
          token,
          limits,
          signal,
          fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
          onBytes(now) {
            bytes = now;
            tell(file.path, now, false, 'due');
          },
          onWait(next) {
            const changed = (next === null) !== (waiting === null) || next !== null;
            waiting = next;
            if (changed) tell(file.path, bytes, false, 'now');
          },
        });
        proofs.set(file.path, proof);
      } finally {
        part.close();
      }
      await shelf.keep(file);
    }
    before += file.size;
    tell(file.path, 0, false, 'now');
  }
  signal.throwIfAborted();
  return shelf.finish(proofs);
}
