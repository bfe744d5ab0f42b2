import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import type { Section, Subject } from '../../../contract/lens';
import { TINY_FAMILIES, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { readNpy } from '../models/families-files.testing';
import { tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { jsonOf, unpacked } from './unpacked.testing';

/** Silent thoughts (DART): modules before keys and values, with or without LoRA under them. */
describe.each([
  ['llama', 'rem', {}],
  ['gpt2', 'both', TINY_FAMILIES.gpt2],
] as const)('a trained %s student with modules, pathway %s', (_family, pathway, options) => {
  let workbench: LoriWorkbench;
  /** States in every layer: the student reads the question with the adapters that it thinks with. */
  const statesOf = async (subject: Subject, sections: readonly Section[]): Promise<Float32Array> => {
    const source = { kind: 'problems', seed: 1, samples: 1 } as const;
    const request = { source, subject, sections, layers: null, format: 'npy' } as const;
    const { blob, shape, samples } = await workbench.exportStates(request);
    const [L, T, H] = shape;
    const n = samples[0]?.ids.indexOf(null) ?? 0;
    const { values } = readNpy(new Uint8Array(await blob.arrayBuffer()));
    const own = Array.from({ length: L }, (_, l) =>
      values.subarray(l * T * H, (l * T + (n < 0 ? T : n)) * H),
    );
    return Float32Array.from(own.flatMap((layer) => [...layer]));
  };

  beforeAll(async () => {
    workbench = new LoriWorkbench(tinyEnvironment(await tinyPair(options)));
    await workbench.open('wasm');
    await workbench.loadPair('models');
    const config = tinyRunBy('dart', { optimiser: { learningRate: 0.05 } });
    await workbench.distil(parseRunConfig({ ...config, silent: { count: 3, pathway }, rem: { width: 4 } }));
  }, 60_000);
  afterAll(() => workbench.close());

  it('as a merged model: reopened, without any module, it has the same states', async () => {
    const states = await statesOf({ kind: 'student' }, ['question', 'latent']);
    expect(relativeError(await statesOf({ kind: 'base' }, ['question']), states)).toBeGreaterThan(0.01);
    const files = await unpacked(
      await workbench.exportModel({ subject: { kind: 'student' }, format: 'merged' }),
    );
    const about = await jsonOf(files, 'lori.json');
    expect(about.reasoning).toEqual({
      adapters: [],
      stages: [{ kind: 'embeddings', parameter: 'tokens', rows: [0, 0, 0], thoughts: true }],
    });
    await workbench.openCheckpoint(files);
    // Merged in float32 against applied in float32.
    expect(relativeError(await statesOf({ kind: 'opened' }, ['question']), states)).toBeLessThan(1e-5);
  });

  it('not as a PEFT folder, with an error that says so', async () => {
    const made = workbench.exportModel({ subject: { kind: 'student' }, format: 'peft' });
    await expect(made).rejects.toThrow(/"silent" is a reasoning evolvement module \(DART\)/);
  });
});
