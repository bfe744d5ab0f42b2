/**
 * Tensors in a checkpoint's files that are not read. Some are harmless; others are part of the network, and
 * hidden states computed without them would be silently wrong.
 */
import { listed } from '../../text/quote';
import { FileError, throwIfCancelled } from '../base/errors';
import { quote } from './json';
import type { TensorLocation } from './locate';
import { grouped, HEAD, type Naming } from './names';

/** A tensor that is not read. */
export interface Leftover {
  /** Its name in the file. */
  readonly name: string;
  /** Its expected name, or undefined if it is outside this model's names. */
  readonly expected: string | undefined;
  readonly shape: readonly number[];
  /** Its file, if the index does not name that. */
  readonly unnamed?: string;
}

/** Buffers that some files store although every reader computes them itself, and the note that each gets. */
const BUFFERS: readonly { readonly names: RegExp; readonly rank?: number; readonly why: string }[] = [
  {
    names: /\.rotary_emb\.(inv_freq|original_inv_freq|cos_cached|sin_cached)$/,
    why: 'rotary tables, which are computed from config.json',
  },
  // GPT-2's causal mask; with any other rank it would be a bias.
  { names: /\.attn\.bias$/, rank: 4, why: 'causal masks, which are computed' },
  { names: /\.attn\.masked_bias$/, rank: 0, why: 'the value of masked scores, which is computed' },
  { names: /(^|\.)position_ids$/, why: 'the numbers of positions, which are computed' },
];
/** LoRA and other adapters, unmerged. */
const ADAPTERS = /(^|[._])(lora_|ia3_|adapter|base_layer)/i;

/**
 * Notes on tensors that are not read, one sentence each, except for a surplus head, see `headNote`.
 * @throws FileError for a tensor that would change the hidden states
 */
export function notesOnLeftovers(
  leftovers: readonly Leftover[],
  needed: Iterable<string>,
  { prefix, body }: Naming,
): string[] {
  const adapter = leftovers.find(({ name }) => ADAPTERS.test(name));
  if (adapter !== undefined)
    throw new FileError(
      `the weights hold an adapter that is not merged (${quote(adapter.name)}${adapter.unnamed === undefined ? '' : ` in ${quote(adapter.unnamed)}`})`,
      'Merge the adapter into the weights (merge_and_unload in PEFT), and open the merged checkpoint.',
    );
  const notes = new Map<string, string[]>();
  const say = (why: string, name: string): void => {
    notes.set(why, [...(notes.get(why) ?? []), name]);
  };
  // If the body's names have no prefix in the file, they are recognised by their first components ("h.",
  // "wte.").
  const partOf = (name: string): string => name.slice(body.length).split('.', 1)[0] as string;
  const parts = new Set([...needed].filter((name) => name !== HEAD).map(partOf));
  const inBody = (name: string): boolean => (prefix === '' ? parts.has(partOf(name)) : true);
  const network: Leftover[] = [];
  for (const leftover of leftovers) {
    const { name, expected, shape, unnamed } = leftover;
    if (expected === HEAD) {
      if (unnamed !== undefined) say('the network has its head without it', name);
      continue;
    }
    const buffer = BUFFERS.find(
      ({ names, rank }) => names.test(name) && (rank ?? shape.length) === shape.length,
    );
    if (buffer) say(buffer.why, name);
    else if (HEAD_PARTS.test(name)) network.push(leftover);
    else if (expected !== undefined && inBody(expected)) network.push(leftover);
    else say('not part of the decoder', name);
  }
  refuse(network);
  return [...notes].flatMap(([why, names]) =>
    grouped(names).map(({ text, isOne }) => `${text} ${isOne ? 'is' : 'are'} ignored: ${why}.`),
  );
}

/** Parts of the head besides its matrix. */
const HEAD_PARTS = /(^|\.)lm_head\.(?!weight$)/;

/** @throws FileError naming the tensors of the network that nothing uses, if there are any */
function refuse(network: readonly Leftover[]): void {
  const [first] = network;
  if (!first) return;
  const names = network.map(({ name }) => name);
  const stray = network.find(({ unnamed }) => unnamed !== undefined)?.unnamed;
  if (stray !== undefined)
    throw new FileError(
      `${quote(stray)}, which the index does not name, holds tensors of the network that nothing uses: ${listed(names.map(quote), 3)}`,
      `Take ${stray} out of the folder if it does not belong to the checkpoint; if it does, get the index and the config.json of the checkpoint again.`,
    );
  const ofHead = names.find((name) => HEAD_PARTS.test(name));
  if (ofHead !== undefined)
    throw new FileError(
      `the weights hold ${quote(ofHead)}, a part of the head that is not supported: the head is a matrix alone`,
      'Every logit would be computed without it. Open a checkpoint whose head has its weight alone; hidden states can be had by taking the tensor out of the file.',
    );
  throw new FileError(
    `the weights hold ${network.length} tensors of the network that config.json does not name: ${listed(names.map(quote), 3)}`,
    names.some((name) => name.endsWith('.bias'))
      ? 'Set attention_bias or mlp_bias in config.json to true if the model has biases, or open the checkpoint with its own config.json.'
      : 'Open the weights with their own config.json; if it is this one, the architecture is not supported.',
  );
}

/**
 * The note on a head that is not used because config.json ties it to the embedding. Both are read, piece by
 * piece, up to the first difference.
 * @param embedding, head their locations in the files
 * @throws CancelledError
 */
export async function headNote(
  embedding: TensorLocation,
  head: TensorLocation,
  signal?: AbortSignal,
): Promise<string> {
  const same = (await sameBytes(embedding, head, signal))
    ? 'it equals the embedding, which is the head'
    : 'it differs from the embedding, to which config.json ties the head; set tie_word_embeddings to false to use it';
  return `${quote(head.entry.name)} is ignored: ${same}.`;
}

const PIECE = 4 * 2 ** 20;

async function sameBytes(
  a: TensorLocation,
  b: TensorLocation,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const size = a.entry.end - a.entry.begin;
  if (a.entry.dtype !== b.entry.dtype || size !== b.entry.end - b.entry.begin) return false;
  for (let at = 0; at < size; at += PIECE) {
    throwIfCancelled(signal, 'opening the checkpoint');
    const length = Math.min(PIECE, size - at);
    const [x, y] = await Promise.all([
      a.source.read(a.entry.begin + at, length),
      b.source.read(b.entry.begin + at, length),
    ]);
    for (let i = 0; i < length; i++) if (x[i] !== y[i]) return false;
  }
  return true;
}
