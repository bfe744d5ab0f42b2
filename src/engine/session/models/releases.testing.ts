/** Tiny students in the layouts of published checkpoints, and what torch computes: see scripts/goldens/releases/releases.py. */
import type { NamedFile } from '../../../contract/lens';
import { encodeFloats, type FloatDType } from '../../checkpoint/float';
import { type SavedTensor, torchFile } from '../../checkpoint/torch/torch-file.testing';
import { writeSafetensors } from '../../checkpoint/write';
import { familyCases, familyFiles, weightsOf } from './families-files.testing';
import goldens from './releases.golden.json';

type Listed =
  | {
      readonly name: string;
      readonly shape: readonly number[];
      readonly shift: number;
      readonly one: boolean;
      readonly leftover: boolean;
      readonly dtype: FloatDType;
    }
  | { readonly name: string; readonly same: string };

interface Drawn {
  readonly seed: number;
  readonly tensors: readonly Listed[];
}

export interface ReleaseCase extends Drawn {
  readonly layout: string;
  readonly name: string;
  readonly file: string;
  /** config.json of the base. */
  readonly base: object;
  /** Files of the release's own folder; `null`: an empty file. */
  readonly files: Readonly<Record<string, object | null>>;
  /** Base64 of float32: final hidden states from the question's end on, and the last position's logits. */
  readonly hidden: string;
  readonly logits: string;
  /** Log-odds of stopping after START and after each of six thoughts, of a student that decides. */
  readonly odds?: string;
}

export interface PccotCase extends Drawn {
  readonly name: string;
  readonly base: Drawn & { readonly config: object };
  readonly files: Readonly<Record<string, object>>;
  readonly hidden: string;
  readonly logits: string;
}

export const releaseCases = goldens.releases as unknown as readonly ReleaseCase[];
export const pccotCases = goldens.pccot as unknown as readonly PccotCase[];
export const { question: QUESTION, after: AFTER, pickles: PICKLES } = goldens;

/** The tensors as they are stored. */
function stored({ seed, tensors }: Drawn): SavedTensor[] {
  const drawn = tensors.flatMap((tensor) => ('same' in tensor ? [] : [tensor]));
  const values = weightsOf({ seed, tensors: drawn });
  const of = (name: string): SavedTensor => {
    const { dtype, shape } = drawn.find((tensor) => tensor.name === name) as (typeof drawn)[number];
    return { name, dtype, shape, bytes: encodeFloats(values.get(name) as Float32Array, dtype) };
  };
  return tensors.map((tensor) =>
    'same' in tensor ? { ...of(tensor.same), name: tensor.name, same: tensor.same } : of(tensor.name),
  );
}

const json = (name: string, value: unknown): NamedFile => ({ name, data: new Blob([JSON.stringify(value)]) });
const tokenizer = (): NamedFile =>
  familyFiles(familyCases[0]!, 'f32').find(({ name }) => name === 'tokenizer.json') as NamedFile;

/** The release's own files. @param change to the tensors before they are written */
export async function releaseFiles(
  release: ReleaseCase,
  change: (tensors: SavedTensor[]) => SavedTensor[] = (tensors) => tensors,
): Promise<NamedFile[]> {
  const tensors = change(stored(release));
  const isTorch = !release.file.endsWith('.safetensors');
  const weights = isTorch ? await torchFile(tensors, 'cuda:0') : new Blob([writeSafetensors(tensors)]);
  return [
    { name: release.file, data: weights },
    ...Object.entries(release.files).map(([name, value]) =>
      value === null ? { name, data: new Blob([]) } : json(name, value),
    ),
  ];
}

/** config.json and tokenizer of its base, without weights. */
export const baseSettings = ({ base, files }: Pick<ReleaseCase, 'base' | 'files'>): NamedFile[] => [
  ...(files['config.json'] ? [] : [json('config.json', base)]),
  tokenizer(),
];

/** A plain base model of the same configuration, to be opened first. */
export function baseFiles({ config, ...drawn }: PccotCase['base']): NamedFile[] {
  return [
    json('config.json', { ...config, _name_or_path: 'gpt2' }),
    tokenizer(),
    { name: 'model.safetensors', data: new Blob([writeSafetensors(stored(drawn))]) },
  ];
}

/** A PCCoT folder. */
export const pccotFiles = (pccot: PccotCase): NamedFile[] =>
  [
    { name: 'adapter_model.safetensors', data: new Blob([writeSafetensors(stored(pccot))]) },
    ...Object.entries(pccot.files).map(([name, value]) => json(name, value)),
  ].map((file) => ({ ...file, folder: 'pccot' }));

const ROOM = 256;

/** The same layout with more positions, and hence other weights: the goldens do not apply to it. */
export function roomy<T extends Drawn>(release: T): T {
  const text = JSON.stringify(release, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if ('n_positions' in value) return { ...value, n_positions: ROOM, n_ctx: ROOM };
    if ('max_position_embeddings' in value) return { ...value, max_position_embeddings: ROOM };
    const { name, shape } = value as { name?: unknown; shape?: number[] };
    const isTable = typeof name === 'string' && name.endsWith('wpe.weight') && shape;
    return isTable ? { ...value, shape: [ROOM, shape[1]] } : value;
  });
  return JSON.parse(text);
}

/** The files with a full stop in the tokenizer's vocabulary, in place of its last character. */
export async function withFullStop(files: readonly NamedFile[]): Promise<NamedFile[]> {
  return Promise.all(
    files.map(async (file) => {
      if (file.name !== 'tokenizer.json') return file;
      const { model, ...rest } = JSON.parse(await new Response(file.data).text());
      const vocab = Object.fromEntries(
        Object.entries(model.vocab).map(([token, id], i, all) => [i === all.length - 1 ? '.' : token, id]),
      );
      return { ...file, data: new Blob([JSON.stringify({ ...rest, model: { ...model, vocab } })]) };
    }),
  );
}
