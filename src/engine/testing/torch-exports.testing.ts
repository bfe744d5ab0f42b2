/**
 * Decoders that torch.onnx.export wrote with Optimum's interface, and what torch computes of them: see
 * scripts/goldens/exports/exports.py.
 */
import type { NamedFile } from '../../contract/lens';
import goldens from './golden/exports/exports.golden.json';
import { bytesOf } from './golden.testing';

export interface ExportCase {
  readonly prompt: readonly number[];
  /** By layer, L + 1 in all, [T, H] each: the embedding, then every layer's output, the last one after the final norm. */
  readonly states: readonly Float32Array[];
  /** [T, V] */
  readonly logits: Float32Array;
  /** The most probable token, again and again. */
  readonly greedy: readonly number[];
}

export interface TorchExport {
  readonly name: string;
  readonly file: string;
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly cases: readonly ExportCase[];
  /** The folder, as a user chooses it. */
  files(): Promise<NamedFile[]>;
}

const zipped = import.meta.glob<string>('./golden/exports/*.onnx.gz', {
  query: '?url&inline',
  import: 'default',
  eager: true,
});

/** @throws Error for an unknown name */
export function torchExport(name: string): TorchExport {
  const found = Object.entries(goldens.exports).find(([known]) => known === name)?.[1];
  if (!found) throw new Error(`no export ${name}; there are ${Object.keys(goldens.exports).join(', ')}`);
  const { config, cases } = goldens.models[found.model as keyof typeof goldens.models];
  const hiddenSize = 'n_embd' in config ? config.n_embd : config.hidden_size;
  return {
    name,
    file: found.file,
    hiddenSize,
    vocabSize: config.vocab_size,
    cases: cases.map(({ prompt, states, logits, greedy }) => ({
      prompt,
      states: parts(floats(states), prompt.length * hiddenSize),
      logits: floats(logits),
      greedy,
    })),
    files: async () => [
      { name: 'config.json', data: new Blob([JSON.stringify(config)]) },
      { name: 'tokenizer.json', data: new Blob([JSON.stringify(tokenizerJson(config.vocab_size))]) },
      { name: `onnx/${found.file}`, data: await unzipped(name) },
    ],
  };
}

const floats = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);

const parts = (values: Float32Array, size: number): Float32Array[] =>
  Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));

function unzipped(name: string): Promise<Blob> {
  const base64 = zipped[`./golden/exports/${name}.onnx.gz`]?.split(';base64,')[1];
  if (base64 === undefined) throw new Error(`the export ${name} is missing or was not inlined`);
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).blob();
}

/** The text that the exports' tokenizer reads as these ids, which begin at 1: a printable character for each. */
export const textOf = (ids: readonly number[]): string => String.fromCharCode(...ids.map((id) => 0x1f + id));

function tokenizerJson(vocabSize: number): object {
  const tokens = Array.from({ length: vocabSize }, (_, id) => (id === 0 ? '<unk>' : textOf([id])));
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', unk_token: '<unk>', vocab, merges: [] },
  };
}
