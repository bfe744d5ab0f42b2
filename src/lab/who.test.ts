import { expect, it } from 'vitest';
import { parseRunConfig } from '../contract/config';
import type { CommandInput } from './command';
import type { SubjectArguments } from './options';
import { askedSubjects, oneAsked } from './who';

const config = parseRunConfig({});

/** A workbench that records what is opened and trained. */
function inputOf(over: object = {}) {
  const done: string[] = [];
  const workbench = {
    openCheckpoint: async () => ({ notes: [] }),
    openStudent: async () => {
      done.push('open a student');
      return { label: 'LoRi', step: 2 };
    },
    distil: async () => void done.push('train'),
    checkpoints: async () => [
      { id: 7, step: 1 },
      { id: 8, step: 2 },
    ],
  };
  const given = { workbench, config, contenders: [], chosen: { preset: [] }, kept: undefined };
  const input = { ...given, say: () => undefined, onEvent: () => undefined, ...over };
  return { input: input as unknown as CommandInput, done };
}

const KEPT = { kept: { file: new Uint8Array(1) } };

async function askedFor(given: Partial<SubjectArguments>, over?: object) {
  const { input, done } = inputOf(over);
  const names: string[] = [];
  for await (const { name, subject } of askedSubjects(input, { subject: [], ...given }))
    names.push(`${name} ${JSON.stringify(subject)}`);
  return { names, done };
}

it('trains once for the checkpoints of all steps, in the order in which they are named', async () => {
  const { names, done } = await askedFor({ subject: ['student@2', 'teacher', 'student@1'] });
  expect(names).toEqual([
    'student@2 {"kind":"student","checkpoint":8}',
    'teacher {"kind":"teacher"}',
    'student@1 {"kind":"student","checkpoint":7}',
  ]);
  expect(done).toEqual(['train']);
});

it('takes students of a stored run from that run, and an opened checkpoint for its model', async () => {
  const { names, done } = await askedFor({ kept: 'run', subject: ['student@2'], open: 'src/lab' }, KEPT);
  expect(names).toEqual(['student@2 {"kind":"student","checkpoint":8}', 'run {"kind":"student"}']);
  expect(done).not.toContain('train');
  expect((await askedFor({ open: 'src/lab' })).names).toEqual(['opened {"kind":"opened"}']);
});

it('refuses several where one is expected, before anything is trained', async () => {
  const { input, done } = inputOf({ chosen: { preset: ['a', 'b'] } });
  const contenders = ['a', 'b'].map((name) => ({ name, config }));
  await expect(oneAsked({ ...input, contenders }, { subject: ['base'] })).rejects.toThrow(
    '3 subjects are requested, base, a, b; one is expected',
  );
  expect(done).toEqual([]);
  expect((await oneAsked(inputOf().input, { subject: [] })).name).toBe(config.method);
});
