import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LensReport, NamedFile } from '../contract/lens';
import { adapterCase, adapterFiles, baseOf } from '../engine/session/models/adapters.testing';
import { familyFiles } from '../engine/session/models/families-files.testing';
import { lab } from './lab';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-adapter-'));
});
afterAll(() => rm(folder, { recursive: true }));

const put = async (files: readonly NamedFile[]) => {
  const place = await mkdtemp(join(folder, 'files-'));
  for (const { name, data } of files) await writeFile(join(place, name), data.stream());
  return place;
};

it('reads a checkpoint with its adapter, and reports what that changes', async () => {
  const adapter = adapterCase('gpt2, Conv1D with a wrong flag');
  const base = await put(familyFiles(baseOf(adapter), 'bf16'));
  const own = await put(adapterFiles(adapter));
  let said = '';
  const lens = async (...more: string[]): Promise<{ lens: LensReport }> => {
    let written = '';
    const streams = {
      stdout: { write: (text: string) => (written += text) },
      stderr: { write: (text: string) => (said += text) },
    };
    await lab(['lens', '--open', base, ...more, '--text', 'abcbaddc', '--subject', 'opened'], streams);
    return JSON.parse(written) as { lens: LensReport };
  };
  const [plain, adapted] = [await lens(), await lens('--adapter', own)];
  expect(said).toContain(
    'note: The adapter is merged as the weights are read: W + s·B·A in float32 for 8 linears',
  );
  const ranks = ({ lens: { selections } }: typeof plain) =>
    selections[0]?.spectra.map((s) => s.effectiveRank);
  expect(ranks(plain)?.length).toBeGreaterThan(0);
  expect(ranks(adapted)).not.toEqual(ranks(plain));
  await expect(
    lab(['lens', '--adapter', own, '--text', 'ab', '--subject', 'opened', '--quiet']),
  ).rejects.toThrow('without its base model, "org/tiny"');
});
