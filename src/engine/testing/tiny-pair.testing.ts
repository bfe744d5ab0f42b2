/**
 * A base and a teacher with random weights, served from memory like the bundled pair from its folder: the workbench can be
 * tested in milliseconds, but nothing these models say makes sense. Its tokenizer knows the words of chains of steps and
 * numbers up to 99; tests of it do not depend on which pair is bundled.
 */
import type { NamedFile } from '../../contract/lens';
import { Rng } from '../base/rng';
import { sha256Hex } from '../base/sha256';
import { MODEL_TYPES, parseModelConfig } from '../checkpoint/config';
import { encodeFloats } from '../checkpoint/float';
import { writeSafetensors } from '../checkpoint/write';
import { expectedTensors } from '../nn/weights';
import type { Environment } from '../session/models/environment';
import tokenizerText from './tiny-tokenizer.json?raw';
import tokenizerConfigText from './tiny-tokenizer-config.json?raw';

export type Role = 'base' | 'teacher';

export interface TinyPairOptions {
  readonly seed?: number;
  /** Replaces fields of config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The same, for the teacher alone. */
  readonly teacherConfig?: Readonly<Record<string, unknown>>;
  /** Factor on all weights except those of norms. */
  readonly scale?: number;
  /** Factor on the weights of norms: at 2e38 they are finite, and the hidden states are not. */
  readonly norms?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Changes a file after its length and sha256 were written down, as damage in transit does. */
  readonly damage?: (path: string, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined;
  /** Changes manifest.json. */
  readonly manifest?: (manifest: Record<string, unknown>) => unknown;
}

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: Object.keys(JSON.parse(tokenizerText).model.vocab).length,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  eos_token_id: 1,
};

/** The smallest possible decoder, for software GPUs, which take minutes to compile the shaders of anything larger. */
export const SMALLEST: TinyPairOptions = {
  config: {
    num_hidden_layers: 1,
    hidden_size: 16,
    intermediate_size: 16,
    num_attention_heads: 2,
    num_key_value_heads: 1,
  },
  data: { minSteps: 2, maxSteps: 2 },
};

/** The same sizes in other families. */
export const TINY_FAMILIES: Readonly<Record<'qwen3' | 'gpt2', TinyPairOptions>> = {
  qwen3: { config: { model_type: 'qwen3', head_dim: 12, tie_word_embeddings: false } },
  gpt2: {
    config: {
      model_type: 'gpt2',
      activation_function: 'gelu_new',
      layer_norm_epsilon: 1e-5,
      ...{ hidden_act: null, rope_theta: null, rms_norm_eps: null, num_key_value_heads: null },
    },
  },
};

/** Files of the folder by their paths below it. */
export async function tinyPair(options: TinyPairOptions = {}): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { seed = 1, scale = 1, norms = 1 } = options;
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const put = (path: string, text: string): void => {
    files.set(path, new TextEncoder().encode(text));
  };
  const entry = async (role: Role, extra: Readonly<Record<string, unknown>>) => {
    const config = { ...CONFIG, ...options.config, ...extra };
    put(`${role}/config.json`, JSON.stringify(config));
    put(`${role}/tokenizer.json`, tokenizerText);
    put(`${role}/tokenizer_config.json`, tokenizerConfigText);
    files.set(`${role}/model.safetensors`, weightsOf(config, new Rng(seed).fork(role), scale, norms));
    const own = [...files].filter(([path]) => path.startsWith(`${role}/`));
    const listed = own.map(async ([path, bytes]) => ({
      name: path.slice(role.length + 1),
      bytes: bytes.length,
      sha256: await sha256Hex(bytes),
    }));
    return {
      name: `tiny-${role}`,
      folder: role,
      licence: 'MIT',
      files: await Promise.all(listed),
      measured: [{ what: 'accuracy', value: 'none: random weights' }],
    };
  };
  const manifest: Record<string, unknown> = {
    base: await entry('base', {}),
    teacher: await entry('teacher', options.teacherConfig ?? {}),
    data: {
      description: 'word problems',
      problems: 'chains',
      seed: 3,
      minSteps: 2,
      maxSteps: 3,
      ...options.data,
    },
  };
  put('manifest.json', JSON.stringify(options.manifest ? options.manifest(manifest) : manifest));
  for (const [path, bytes] of files) files.set(path, options.damage?.(path, bytes) ?? bytes);
  return files;
}

function weightsOf(config: typeof CONFIG, rng: Rng, scale: number, norms: number): Uint8Array<ArrayBuffer> {
  // Weights are written even for a configuration that is to be refused.
  const isKnown = (MODEL_TYPES as readonly string[]).includes(config.model_type);
  const known = isKnown ? config : { ...config, model_type: 'llama' };
  const tensors = expectedTensors(parseModelConfig(known)).map(({ name, shape }) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const spread = /embed|wte|wpe/.test(name) ? 0.5 : 1 / Math.sqrt(shape[1] ?? 1);
    const values = Float32Array.from({ length: size }, () =>
      /norm|ln_\w\.weight/.test(name) ? norms * (1 + 0.2 * rng.normal()) : scale * spread * rng.normal(),
    );
    return { name, shape, dtype: 'f32' as const, bytes: encodeFloats(values, 'f32') };
  });
  return writeSafetensors(tensors);
}

/** The files of one of them, as a person chooses them from its folder. */
export const filesOf = (pair: ReadonlyMap<string, Uint8Array<ArrayBuffer>>, role: Role): NamedFile[] =>
  [...pair]
    .filter(([path]) => path.startsWith(`${role}/`))
    .map(([path, bytes]) => ({ name: path.slice(role.length + 1), data: new Blob([bytes]) }));

/** Answers from `files` below `folder`, 404 elsewhere. */
export function serveFiles(
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  folder = 'models/',
): typeof fetch {
  return async (input) => {
    const path = String(input);
    const bytes = path.startsWith(folder) ? files.get(path.slice(folder.length)) : undefined;
    return bytes ? new Response(bytes) : new Response(null, { status: 404, statusText: 'Not Found' });
  };
}

/** The environment of a workbench that sees only `files`. */
export const tinyEnvironment = (files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Environment => ({
  crossOriginIsolated: true,
  runtimeVersion: 'test',
  threads: 1,
  fetch: serveFiles(files),
});
