import { finished } from '../kernels/shared/eigen';
import type { GatheredStates } from './gathered';
import { checkLayers, lessRow, meanRow, statesAt } from './rows';

/** A matrix [rows, H] that is filled when needed, so that there are never two copies of all hidden states. */
export interface StackedMatrix {
  /** Sample id, `layer 3`, `token 7` or `all`. */
  readonly label: string;
  /** A description of its contents. */
  readonly about: string;
  /** Number of tokens in it, summed over samples. */
  readonly tokens: number;
  readonly rows: number;
  /** Writes the rows, row-major. */
  fill(out: Float32Array<ArrayBuffer>): void;
  /** The same in pieces, for what takes seconds on a large matrix. */
  readonly fillSteps?: (out: Float32Array<ArrayBuffer>) => Generator<number, void>;
}

export interface StackOptions {
  /** Which rows make one matrix; the names are the contract's. */
  readonly stack: 'sample' | 'layer' | 'token' | 'all';
  /** 1 … L, ascending. */
  readonly layers: readonly number[];
  /** Subtracts the mean row from each matrix. */
  readonly centre: boolean;
}

/**
 * The matrices of a stack: one per sample [N·P, H] (LoRi appendix A), one per layer [ΣN, H], one per token position [S·P, H]
 * with the S samples that are that long, or one for everything. Rows keep the order sample, token, layer. Throws
 * `ShapeError` for layers that do not exist.
 */
export function stacked(gathered: GatheredStates, options: StackOptions): StackedMatrix[] {
  checkLayers(options.layers, gathered.layers);
  const matrices = plain(gathered, options);
  return options.centre ? matrices.map((m) => changed(m, centreRows(gathered.hidden))) : matrices;
}

/** Changes entries in place, in pieces of a few milliseconds. */
type Change = (data: Float32Array<ArrayBuffer>, label: string) => Generator<number, void>;

/** The same matrix with its entries changed in place after filling. */
export function changed(matrix: StackedMatrix, change: Change): StackedMatrix {
  const { label } = matrix;
  function* fillSteps(out: Float32Array<ArrayBuffer>) {
    if (matrix.fillSteps) yield* matrix.fillSteps(out);
    else matrix.fill(out);
    yield 0.5;
    yield* change(out, label);
  }
  return { ...matrix, fillSteps, fill: (out) => finished(fillSteps(out)) };
}

/** Subtracts the mean row from a matrix [·, H], in place. */
export const centreRows = (hidden: number): Change =>
  function* (data) {
    const mean = meanRow([data], hidden);
    yield 0.5;
    lessRow(data, mean, data);
  };

function plain(gathered: GatheredStates, { stack, layers }: StackOptions): StackedMatrix[] {
  const { samples } = gathered;
  const of = plural(samples.length, 'sample');
  if (stack === 'sample')
    return samples.map((_, s) =>
      joined(gathered, [s], layers, samples[s]?.id ?? '', samples[s]?.about ?? ''),
    );
  const everyone = samples.map((_, s) => s);
  if (stack === 'all')
    return [joined(gathered, everyone, layers, 'all', `all tokens and chosen layers of ${of}`)];
  if (stack === 'layer')
    return layers.map((l) => joined(gathered, everyone, [l], `layer ${l}`, `all tokens of ${of}`));
  const longest = Math.max(...samples.map((s) => s.tokens));
  return Array.from({ length: longest }, (_, t) => atToken(gathered, layers, t));
}

/** All tokens of some samples. */
function joined(
  gathered: GatheredStates,
  which: readonly number[],
  layers: readonly number[],
  label: string,
  about: string,
): StackedMatrix {
  const chosen = which.flatMap((s) => gathered.samples[s] ?? []);
  const tokens = chosen.reduce((sum, s) => sum + s.tokens, 0);
  return {
    label,
    about,
    tokens,
    rows: tokens * layers.length,
    fill(out) {
      let at = 0;
      for (const sample of chosen) {
        const rows = statesAt(sample, gathered, layers);
        out.set(rows, at);
        at += rows.length;
      }
    },
  };
}

/** One token position, counted from 0, of every sample that has it. */
function atToken(gathered: GatheredStates, layers: readonly number[], token: number): StackedMatrix {
  const { layers: count, hidden, first = 1 } = gathered;
  const chosen = gathered.samples.filter((s) => s.tokens > token);
  return {
    label: `token ${first + token}`,
    about: `position ${first + token} of ${plural(chosen.length, 'sample')}`,
    tokens: chosen.length,
    rows: chosen.length * layers.length,
    fill(out) {
      let at = 0;
      for (const { states } of chosen) {
        for (const l of layers) {
          const from = (token * count + l - 1) * hidden;
          out.set(states.subarray(from, from + hidden), at);
          at += hidden;
        }
      }
    },
  };
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
