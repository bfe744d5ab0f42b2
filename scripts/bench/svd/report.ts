import type { Case } from './cases';
import type { Cost } from './clock';

export interface Row {
  readonly name: string;
  /** Every timed call, in order; CPU time of the whole browser and wall time, ms. */
  readonly costs: readonly Cost[];
}

export interface Verdict {
  readonly what: string;
  readonly ratio: number;
  readonly gate: number;
  readonly aim?: number;
  readonly met: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

const cpuOf = ({ costs }: Row): number => median(costs.map(({ cpu }) => cpu));
const wallOf = ({ costs }: Row): number => median(costs.map(({ wall }) => wall));

/** Ratio of medians of CPU time, `theirs` over `ours`. */
export function judge(ours: Row, theirs: Row, { gate, aim }: { gate: number; aim?: number }): Verdict {
  const ratio = cpuOf(theirs) / cpuOf(ours);
  return { what: `${ours.name} against ${theirs.name}`, ratio, gate, aim, met: ratio >= gate };
}

export function showCase(one: Case, rows: readonly Row[], verdicts: readonly Verdict[]): string {
  const lines = rows.map(
    (row) =>
      `  ${row.name.padEnd(16)} ${cpuOf(row).toFixed(1).padStart(9)} CPU ms ${wallOf(row).toFixed(1).padStart(9)} wall ms` +
      `   (median of ${row.costs.length})`,
  );
  const gates = verdicts.map(({ what, ratio, gate, aim, met }) => {
    const aimed = aim === undefined ? '' : `, aim ${aim}× ${ratio >= aim ? 'met' : 'missed'}`;
    return `  ${what}: ${ratio.toFixed(1)}×, gate ${gate}× ${met ? 'met' : 'MISSED'}${aimed}`;
  });
  return [`${one.name}, r = ${one.r}`, ...lines, ...gates].join('\n');
}

/** A table of plain text: numbers to the right. */
export function showTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...body.map((row) => (row[i] as string).length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ');
  return [line(head), ...body.map(line)].join('\n');
}
