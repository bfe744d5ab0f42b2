/** What one mutant takes: processor time and memory of the process, in which nothing else runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Outcome } from './fuzz';

/** Of one mutant: milliseconds of processor time, and bytes beyond those that were there before it. */
export const MOST = { cpu: 1000, memory: 256 * 2 ** 20 } as const;

export interface Used {
  /** Milliseconds of processor time, collection of garbage included. */
  readonly cpu: number;
  /** Most bytes at once beyond those before, garbage included; null where the system does not say. */
  readonly memory: number | null;
}

export async function measured<T>(
  run: () => Promise<T>,
): Promise<{ readonly value: T; readonly used: Used }> {
  const memory = memoryPeak();
  const start = process.cpuUsage();
  const value = await run();
  const { user, system } = process.cpuUsage(start);
  return { value, used: { cpu: (user + system) / 1000, memory: memory?.() ?? null } };
}

/** Which limit that is beyond, in words. */
export function exceeds({ cpu, memory }: Used): string | undefined {
  if (cpu > MOST.cpu) return `took ${Math.round(cpu)} ms of processor time`;
  return memory !== null && memory > MOST.memory ? `took ${Math.round(memory / 2 ** 20)} MiB` : undefined;
}

/** An outcome, as a fault where it took more than `MOST`. */
export function withinLimits(outcome: Outcome, used: Used): Outcome {
  const message = exceeds(used);
  return message === undefined || outcome.kind === 'fault' ? outcome : { ...outcome, kind: 'fault', message };
}

/** Linux alone says what a process has had at most, and lets it be forgotten. */
function memoryPeak(): (() => number) | undefined {
  try {
    // Forgets the peak so far: https://docs.kernel.org/filesystems/proc.html
    writeFileSync('/proc/self/clear_refs', '5');
    const before = kilobytes('VmRSS');
    return () => 1024 * Math.max(0, kilobytes('VmHWM') - before);
  } catch {
    return undefined;
  }
}

function kilobytes(field: string): number {
  const [, value] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  ) as RegExpExecArray;
  return Number(value);
}
