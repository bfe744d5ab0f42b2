/**
 * Opens every ONNX export below a folder as the headless command does, and compares hidden states, logits and greedy tokens with what is
 * stored beside it (write_exports.py says what):
 *
 *     node scripts/tools/run-ts.mjs scripts/formats/check-exports.ts FOLDER [part of a name]
 *
 * Prints one line an export; an error is its line too. Logits of rounded ones are compared with onnxruntime's of the same file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRuntime, type Runtime } from '../../src/engine/runtime/runtime';
import type { OnnxExport } from '../../src/engine/session/models/onnx-export';
import { OnnxRunner } from '../../src/engine/session/models/onnx-runner';
import { openModel } from '../../src/engine/session/models/opened';
import { checkpointFiles, readBlob } from '../../src/lab/subjects';

interface Reference {
  readonly ids: readonly number[];
  /** By layer, from the embedding. */
  readonly states: readonly (readonly number[])[];
  readonly logits: readonly number[];
  readonly greedy: readonly number[];
}

const parsed = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** Largest difference, relative to the largest value. */
function error(got: ArrayLike<number>, want: readonly number[]): number {
  if (got.length !== want.length) return Number.NaN;
  const most = Math.max(...want.map(Math.abs));
  return Math.max(...want.map((x, i) => Math.abs((got[i] as number) - x))) / most;
}

const largest = (values: Float32Array): number =>
  values.reduce((at, x, i) => (x > (values[at] as number) ? i : at), 0);

async function greedy(runner: OnnxRunner, ids: readonly number[], count: number): Promise<number[]> {
  let state = await runner.begin(ids);
  const tokens = [largest(state.logits[0] as Float32Array)];
  while (tokens.length < count) {
    state = await runner.advance(state, [tokens.at(-1) as number]);
    tokens.push(largest(state.logits[0] as Float32Array));
  }
  return tokens;
}

async function compared(runtime: Runtime, path: string, references: readonly Reference[]): Promise<string> {
  const { model } = await openModel(await checkpointFiles(path), { readBlob });
  const own = existsSync(`${path}.reference.json`) ? parsed(`${path}.reference.json`) : [];
  const runner = await OnnxRunner.open(runtime, model.onnx as OnnxExport);
  try {
    const words: string[] = [];
    for (const [i, { ids, ...want }] of references.entries()) {
      const { states, logits } = await runner.states(
        { batch: 1, columns: ids.length, ids },
        { logits: true },
      );
      const off = want.states.map((layer, l) => error(states[l] as Float32Array, layer));
      const tokens = await greedy(runner, ids, want.greedy.length);
      const same = tokens.filter((token, t) => token === want.greedy[t]).length;
      const ofLogits = error(logits?.data as Float32Array, own[i]?.logits ?? want.logits);
      words.push(
        `states ${Math.max(...off).toExponential(1)}, logits ${ofLogits.toExponential(1)}, ${same} of ${tokens.length} tokens`,
      );
    }
    return words.join('; ');
  } finally {
    await runner.dispose();
  }
}

const [root = '.', part = ''] = process.argv.slice(2);
const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
for (const name of readdirSync(root).sort()) {
  const folder = join(root, name, 'onnx');
  if (!name.includes(part) || !existsSync(folder)) continue;
  const references = parsed(join(root, name, 'reference.json'));
  for (const file of readdirSync(folder).filter((one) => one.endsWith('.onnx'))) {
    const found = await compared(runtime, join(folder, file), references).catch(
      ({ code, message, hint }) => `[${code}] ${message} ${hint}`,
    );
    console.log(`${name}/${file}: ${found}`);
  }
}
await runtime.dispose();
