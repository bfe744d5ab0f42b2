import { type Sizes, showSizes } from './cases';
import type { Agreement, Timing } from './contest';
import type { ContenderKind, Opened } from './protocol';

export interface ContenderResult {
  readonly contender: ContenderKind;
  readonly name: string;
  readonly opened: Opened;
  readonly median: number;
  readonly best: number;
  /** Bytes of WebAssembly memory after the run; 0 if none was seen. */
  readonly heap: number;
  readonly steps: readonly number[];
}

export interface Gate {
  readonly what: string;
  readonly value: number;
  /** Minimum ratio, or maximum for the heap. */
  readonly limit: number;
  readonly passed: boolean;
}

export interface CaseResult {
  readonly name: string;
  readonly sizes: Sizes;
  readonly agreement: Agreement;
  readonly contenders: readonly ContenderResult[];
  readonly gates: readonly Gate[];
}

/** Our WASM heap against jax-js's. */
const HEAP_LIMIT = 0.5;

const nameOf = (c: ContenderKind): string => {
  if (c.provider === 'webgpu') return `${c.runs}, WebGPU`;
  if (c.runs === 'jax-js') return `jax-js, ${c.mode}`;
  return `ours, ${c.threads} thread${c.threads > 1 ? 's' : ''}`;
};

const isOurs = ({ contender }: ContenderResult): boolean => contender.runs === 'ours';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

/** Ratios are of medians, against the better of jax-js's modes; gates for 2 threads assume an idle machine. */
export function judge(
  {
    name,
    sizes,
    gates: wanted,
  }: Pick<CaseResult, 'name' | 'sizes'> & { readonly gates: Readonly<Record<number, number>> },
  kinds: readonly ContenderKind[],
  opened: readonly Opened[],
  agreement: Agreement,
  timings: readonly Timing[],
): CaseResult {
  const contenders = kinds.map((contender, i): ContenderResult => {
    const { steps, heap } = timings[i] as Timing;
    return {
      contender,
      name: nameOf(contender),
      opened: opened[i] as Opened,
      median: median(steps),
      best: Math.min(...steps),
      heap,
      steps,
    };
  });
  const gates: Gate[] = [];
  const rival = rivalOf(contenders);
  for (const ours of contenders.filter(isOurs)) {
    if (ours.contender.provider !== 'wasm') continue;
    const limit = wanted[(ours.contender as { threads: number }).threads];
    if (limit === undefined || !rival) continue;
    const value = rival.median / ours.median;
    gates.push({ what: ours.name, value, limit, passed: value >= limit });
    const least = Math.min(...contenders.filter((c) => !isOurs(c) && c.heap > 0).map((c) => c.heap));
    if (ours.heap > 0 && Number.isFinite(least)) {
      const share = ours.heap / least;
      gates.push({
        what: `${ours.name}, heap`,
        value: share,
        limit: HEAP_LIMIT,
        passed: share <= HEAP_LIMIT,
      });
    }
  }
  return { name, sizes, agreement, contenders, gates };
}

function rivalOf(contenders: readonly ContenderResult[]): ContenderResult | undefined {
  return contenders.filter((c) => !isOurs(c)).sort((a, b) => a.median - b.median)[0];
}

const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0));
const mb = (bytes: number): string => (bytes > 0 ? (bytes / 2 ** 20).toFixed(0) : 'not measured');

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] as readonly string[]).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] as string).length)),
  );
  const pad = (cell: string, i: number): string =>
    i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number);
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n');
}

export function showCase({ name, sizes, agreement, contenders, gates }: CaseResult): string {
  const rival = rivalOf(contenders);
  const lines = [
    `${name}: ${showSizes(sizes)}`,
    `  loss ${agreement.losses.map((x) => x.toFixed(6)).join(', ')}; largest relative difference of losses and gradients ${agreement.worst.toExponential(1)}`,
    table([
      [
        'contender',
        'median ms',
        'best ms',
        'steps',
        'ratio',
        'first step s',
        'sessions s',
        'graph nodes',
        'heap MB',
      ],
      ...contenders.map((c) => [
        c.name,
        ms(c.median),
        ms(c.best),
        String(c.steps.length),
        rival ? `${(rival.median / c.median).toFixed(2)}×` : '',
        (c.opened.firstStep / 1000).toFixed(1),
        c.opened.sessions === undefined ? '' : (c.opened.sessions / 1000).toFixed(1),
        c.opened.nodes === undefined ? '' : String(c.opened.nodes),
        mb(c.heap),
      ]),
    ]),
  ];
  if (gates.length > 0)
    lines.push(
      table([
        ['gate', 'measured', 'wanted', ''],
        ...gates.map(({ what, value, limit, passed }) => [
          what,
          `${value.toFixed(2)}×`,
          `${what.endsWith('heap') ? '≤' : '≥'} ${limit}×`,
          passed ? 'pass' : 'MISSED',
        ]),
      ]),
    );
  return lines.join('\n');
}
