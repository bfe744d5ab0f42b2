import { expect, it } from 'vitest';
import { engineError } from '../workbench.testing';
import { inHand } from './in-hand';
import { openApp } from './open-app.testing';

it('a student’s file is made, its progress shown, and failures are shown beside the form', async () => {
  const { actions, store, doubles } = openApp();
  const request = { subject: { kind: 'student' }, format: 'merged', dtype: 'bf16' } as const;
  await actions.loadPair();
  const making = actions.exportModel(request);
  expect(inHand(store.getState()).map(({ id, cancel }) => [id, cancel])).toContainEqual([
    'model-file',
    'cancelModelExport',
  ]);
  const file = await making;
  expect(file?.blob.size).toBe(64);
  const { task, subject } = store.getState().modelFile;
  expect([subject, task.status]).toEqual(['student', 'done']);
  expect(task.value).not.toHaveProperty('blob');
  expect(doubles[0]?.calls).toContain(`exportModel ${JSON.stringify(request)}`);

  doubles[0]!.exportModel = () => Promise.reject(engineError('config', 'PEFT cannot hold it', 'Another.'));
  expect(await actions.exportModel({ ...request, format: 'peft' })).toBeNull();
  expect(store.getState().modelFile.task).toMatchObject({
    status: 'failed',
    error: { message: 'PEFT cannot hold it' },
  });
});
