import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { momentOf } from '../../../contract/latents';
import type { ModelFormat } from '../../../contract/model-files';
import type { Reasoning } from '../../decode/reasoning';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { insideOf } from '../inside.testing';
import type { LoadedModels } from '../models/subjects';
import { tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { jsonOf, unpacked } from './unpacked.testing';

/** A student that decides for itself after how many latents to answer (adaptive latent reasoning). */
let workbench: LoriWorkbench;
/** The number of latents if nothing stopped it. */
const MAX_THOUGHTS = 4;

const loadedModels = (): LoadedModels => insideOf<{ loadedModels(): LoadedModels }>(workbench).loadedModels();
const exported = (format: ModelFormat) => workbench.exportModel({ subject: { kind: 'student' }, format });

/** How many thoughts it takes for a question, and the vector that is fed as the last. */
async function thoughtsOf(student: 'trained' | 'opened') {
  const question = 'Tom has 12 apples and 7 pears.';
  const { session, latentSteps } = await workbench.openQuestion({ question, student });
  const { fed } = await workbench.thought(momentOf(session, latentSteps));
  return { latentSteps, values: fed?.values as Float32Array };
}

beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const config = tinyRunBy('adaptive', { optimiser: { learningRate: 0.05 } });
  await workbench.distil(
    parseRunConfig({ ...config, latents: { bias: 1, min: 1, max: MAX_THOUGHTS, stopTemperature: 0.5 } }),
  );
}, 60_000);
afterAll(() => workbench.close());

it.each(['merged', 'peft'] as const)(
  'as a %s archive reopens with the head that stops it',
  async (format) => {
    const { latentSteps, values } = await thoughtsOf('trained');
    const file = await exported(format);
    await workbench.openCheckpoint([{ name: file.name, data: file.blob }]);
    const { student, opened } = loadedModels();
    const reasoning = { ...(student?.reasoning as Reasoning), adapters: [] };
    expect(reasoning.stages).toContainEqual(expect.objectContaining({ stop: expect.anything() }));
    expect(opened?.latent?.reasoning).toEqual(reasoning);
    const again = await thoughtsOf('opened');
    expect(again.latentSteps).toBe(latentSteps);
    // Merged in float32 against applied in float32, accumulated over all thoughts.
    expect(relativeError(again.values, values)).toBeLessThan(1e-4);
  },
);

it('is refused without the head’s tensors, naming them', async () => {
  const files = await unpacked(await exported('merged'));
  const about = await jsonOf(files, 'lori.json');
  const renamed = JSON.stringify(about).replace(
    '"kind":"stopHead","name":"stop"',
    '"kind":"stopHead","name":"other"',
  );
  expect(renamed).not.toBe(JSON.stringify(about));
  const damaged = files.map((one) =>
    one.name === 'lori.json' ? { name: one.name, data: new Blob([renamed]) } : one,
  );
  await expect(workbench.openCheckpoint(damaged)).rejects.toMatchObject({
    code: 'file',
    message: expect.stringMatching(/lacks "other\.weight"; lori\.json requires \[2, /),
  });
});
