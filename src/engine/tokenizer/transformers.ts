/**
 * The one way to transformers.js: loaded on demand, kept away from our inference runtime, never on the network.
 *
 * On import it looks for `globalThis[Symbol.for('onnxruntime')]` and, without one, takes onnxruntime-web's shared
 * settings and changes them: WASM paths to a public server, GPU preference, log level. A tokenizer needs no runtime,
 * so an inert one stands there while the module is evaluated; the runtime's settings stay as they are, whichever of
 * the two is loaded first.
 */
import { LoadError } from '../base/errors';

type Transformers = typeof import('@huggingface/transformers');

const RUNTIME = Symbol.for('onnxruntime');

let loading: Promise<Pick<Transformers, 'PreTrainedTokenizer'>> | undefined;

/** Throws `LoadError` where the module itself cannot be loaded. */
export function loadTransformers(): Promise<Pick<Transformers, 'PreTrainedTokenizer'>> {
  loading ??= importInert().catch((cause: unknown) => {
    loading = undefined;
    throw new LoadError('the code for tokenizers could not be loaded', undefined, { cause });
  });
  return loading;
}

async function importInert(): Promise<Pick<Transformers, 'PreTrainedTokenizer'>> {
  const realm = globalThis as { [RUNTIME]?: unknown };
  const had = Object.getOwnPropertyDescriptor(realm, RUNTIME);
  Object.defineProperty(realm, RUNTIME, { value: { env: {} }, configurable: true });
  try {
    const { PreTrainedTokenizer, env } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.allowLocalModels = false;
    return { PreTrainedTokenizer };
  } finally {
    if (had === undefined) delete realm[RUNTIME];
    else Object.defineProperty(realm, RUNTIME, had);
  }
}
