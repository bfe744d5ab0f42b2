import { SECTIONS, type Section } from '../../../contract/lens';
import type { SampleStates } from '../../analysis/gathered';
import type { HostTensor } from '../../base/dtype';
import { MemoryError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { leftPad } from '../../data/batch';
import { STATES_INPUTS, type StatesShape, statesProgram } from '../../decode/states';
import { namedWeights } from '../../nn/weights';
import { compileFrozen, type FrozenPrograms } from '../../runtime/frozen';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import type { ResolvedSubject } from '../models/subjects';
import type { FedSequence } from './fed-sequences';

/** Sequences read at once, at most. */
const MAX_AT_ONCE = 8;
/** What one batch's states, or the attention of one block, may take: larger ones are read fewer at once. */
const BATCH_BYTES = 2 ** 26;
/** Tokens of one sequence, at most: attention is computed whole. */
const LONGEST = 4096;

/** Sequences of like length, and the shape of the pass that reads them. */
export interface Bucket {
  readonly fed: readonly { readonly reading: FedSequence; readonly index: number }[];
  readonly shape: StatesShape;
}

/** A bucket holds what is longer than half of its longest: few programs, and less padding than tokens. */
export function bucketsOf(fed: readonly FedSequence[], { model, lora, filter }: ResolvedSubject): Bucket[] {
  const { config } = model;
  const length = ({ question, latents, rest }: FedSequence): number =>
    question.length + latents + rest.length;
  const sorted = fed
    .map((reading, index) => ({ reading, index }))
    .sort((a, b) => length(b.reading) - length(a.reading));
  const buckets: Bucket[] = [];
  while (sorted.length > 0) {
    const { reading: longest } = sorted[0] as (typeof sorted)[number];
    if (length(longest) > LONGEST)
      throw new MemoryError(
        `${longest.id} has ${length(longest)} tokens; at most ${LONGEST} can be read at once`,
        'Shorten the text.',
      );
    const shorter = sorted.findIndex(({ reading }) => 2 * length(reading) <= length(longest));
    const members = sorted.splice(0, shorter < 0 ? sorted.length : shorter);
    const most = (of: (reading: FedSequence) => number): number =>
      Math.max(...members.map(({ reading }) => of(reading)));
    const [question, rest] = [most((r) => r.question.length), most((r) => r.rest.length)];
    const { latents } = longest;
    const columns = question + latents + rest;
    const bytes = 4 * columns * Math.max(config.layers * config.hiddenSize, config.heads * columns);
    const batch = Math.max(1, Math.min(MAX_AT_ONCE, members.length, Math.floor(BATCH_BYTES / bytes)));
    buckets.push({ fed: members, shape: { config, batch, question, latents, rest, lora, filter } });
  }
  return buckets;
}

/** The compiled pass of a bucket. */
export class Pass {
  private constructor(
    private readonly runtime: Runtime,
    readonly bucket: Bucket,
    private readonly frozen: FrozenPrograms,
  ) {}

  static async compile(runtime: Runtime, { model }: ResolvedSubject, bucket: Bucket): Promise<Pass> {
    const program = statesProgram(bucket.shape);
    return new Pass(runtime, bucket, await compileFrozen(runtime, [program], namedWeights(model.weights)));
  }

  /** States [B, S + K + R, L, H] of a chunk; a short one is filled up with its first reading. */
  async run(chunk: Bucket['fed'], adapter: readonly DeviceTensor[]): Promise<Float32Array<ArrayBuffer>> {
    const { batch: B, question: S, rest: R } = this.bucket.shape;
    const rows = Array.from({ length: B }, (_, b) => (chunk[b] ?? chunk[0])?.reading as FedSequence);
    const { ids, keyMask } = leftPad(
      rows.map(({ question }) => question),
      S,
      0,
    );
    const rest = new Int32Array(B * R);
    rows.forEach((row, b) => {
      rest.set(row.rest, b * R);
    });
    const [executable] = this.frozen.executables as [FrozenPrograms['executables'][number]];
    const hosts: Readonly<Record<string, HostTensor>> = {
      [STATES_INPUTS.question]: ids,
      [STATES_INPUTS.keyMask]: keyMask,
      [STATES_INPUTS.rest]: { dtype: 'i32', shape: [B, R], data: rest },
    };
    const own = new Owned();
    try {
      const bound: Record<string, DeviceTensor> = { ...this.frozen.tensors };
      for (const name of executable.inputs.keys()) {
        const host = hosts[name];
        if (host) bound[name] = own.add(this.runtime.upload(host, name));
      }
      adapter.forEach((pack, i) => {
        bound[`lora.${i}`] = pack;
      });
      const { states } = (await executable.run(bound)) as { states: DeviceTensor };
      own.add(states);
      return (await states.read()) as Float32Array<ArrayBuffer>;
    } finally {
      own.dispose();
    }
  }

  dispose(): void {
    this.frozen.dispose();
  }
}

/** The rows of sample b at the positions of `sections`. */
export function chosen(
  { id, about, question, positions }: FedSequence,
  sections: readonly Section[],
  { config, question: S, latents: K, rest: R }: StatesShape,
  states: Float32Array,
  b: number,
): SampleStates {
  const row = config.layers * config.hiddenSize;
  // The padding is all at the left of the question or at the right of the rest.
  const gap = S - question.length;
  const kept = positions
    .map((position, i) => ({ ...position, column: gap + i }))
    .filter(({ section }) => sections.includes(section));
  const out = new Float32Array(kept.length * row);
  kept.forEach(({ column }, n) => {
    const from = (b * (S + K + R) + column) * row;
    out.set(states.subarray(from, from + row), n * row);
  });
  return {
    id,
    about,
    tokens: kept.length,
    states: out,
    sections: Uint8Array.from(kept, ({ section }) => SECTIONS.indexOf(section)),
    texts: kept.map(({ text }) => text),
  };
}
