import type * as Ort from 'onnxruntime-web';
import { LoadError } from '../base/errors';
import { Graph } from '../graph/graph';
import { neg } from '../graph/ops';
import { emit } from '../onnx/emit';

/** Addresses of ONNX Runtime's loader and of its WebAssembly. */
export interface WasmPaths {
  readonly mjs: string;
  readonly wasm: string;
}

const RELOAD =
  'Restart the engine once the connection is back. If the page has been open for a long time, a new version may have replaced it: reload the page.';

/**
 * Makes ONNX Runtime fetch and start its WebAssembly now, with the smallest possible program. Otherwise it
 * would do so with the first real program, perhaps minutes later; and if that fails, it can never be started
 * again in this realm. Rejects with `LoadError`, which says how the host answered.
 */
export async function startOrt(ort: typeof Ort, paths: WasmPaths | undefined): Promise<void> {
  const program = { name: 'start', outputs: { y: neg(new Graph().input('x', [1])) } };
  try {
    const session = await ort.InferenceSession.create(emit(program, { provider: 'wasm' }), {
      executionProviders: ['wasm'],
    });
    await session.release();
  } catch (cause) {
    const found = paths && (await whatIsWrong(paths));
    const why = cause instanceof Error ? cause.message : String(cause);
    const [message, hint] = found ?? [`it did not start: ${why}`, RELOAD];
    throw new LoadError(`the inference runtime could not be loaded: ${message}`, hint, { cause });
  }
}

/** What is wrong with the host's answers for the runtime's files, if anything: message and hint. */
async function whatIsWrong(paths: WasmPaths): Promise<readonly [string, string] | undefined> {
  for (const url of [paths.mjs, paths.wasm]) {
    const name = url.slice(url.lastIndexOf('/') + 1);
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      if (!response.ok) return [`the host answered ${response.status} for ${name}`, RELOAD];
      const type = response.headers.get('content-type') ?? 'no type';
      if (url === paths.mjs && !/javascript/i.test(type))
        return [
          `the host sends ${name} as ${type}; browsers run a module only as text/javascript`,
          'Have the host send .js and .mjs files as text/javascript.',
        ];
    } catch (cause) {
      return [`${name} could not be fetched (${(cause as Error).message})`, RELOAD];
    }
  }
  return undefined;
}
