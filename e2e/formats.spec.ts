import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { runnerImport } from 'vite';
import { expect, test } from './support/app';

/** Tiny students in the layouts of published checkpoints: scripts/goldens/releases. */
type Releases = typeof import('../src/engine/session/models/releases.testing');
const { module: releases } = await runnerImport<Releases>(
  fileURLToPath(new URL('../src/engine/session/models/releases.testing.ts', import.meta.url)),
  { configFile: false, logLevel: 'error' },
);

/** The files of a student and of its base, in a folder on disk. */
async function folderOf(name: string): Promise<string> {
  const release = releases.releaseCases.find((one) => one.name === name);
  if (!release) throw new Error(`no golden ${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'release-'));
  for (const { name: file, data } of [
    ...(await releases.releaseFiles(release)),
    ...releases.baseSettings(release),
  ])
    if (data.size > 0) await writeFile(join(folder, file), new Uint8Array(await data.arrayBuffer()));
  return folder;
}

/** Opens what a person chose, and what the page says of it. */
async function open(app: Page, path: string, isFolder: boolean): Promise<void> {
  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  await app.getByRole('tab', { name: 'Your files' }).click();
  await app
    .locator('.model-drop input[type=file]')
    .nth(isFolder ? 0 : 1)
    .setInputFiles(path);
  await expect(app.getByText('6 latent thoughts; step through them in Latents')).toBeVisible({
    timeout: 60_000,
  });
}

test('a published latent student opens, is exported, opens again from its archive, and its thoughts are stepped', async ({
  app,
}) => {
  await open(app, await folderOf('SIM-CoT on CODI, Llama'), true);
  await expect(app.getByText(/29 tensors are ignored .*SIM-CoT supervises thoughts/)).toBeVisible();
  const [file] = await Promise.all([
    app.waitForEvent('download'),
    app.getByRole('button', { name: 'Merged model (safetensors)' }).click(),
  ]);
  expect(file.suggestedFilename()).toMatch(/-merged\.zip$/);
  const archive = join(await mkdtemp(join(tmpdir(), 'export-')), file.suggestedFilename());
  await file.saveAs(archive);
  await open(app, archive, false);
  await expect(app.getByText(/lori\.json says how it reasons/)).toBeVisible();

  await app.getByRole('tab', { name: 'Latents' }).click();
  // The bundled pair is loaded beside it.
  await app.getByRole('radiogroup', { name: 'Student' }).getByRole('radio').nth(2).click({ timeout: 60_000 });
  await app.getByRole('textbox', { name: 'Text', exact: true }).fill('abcdef');
  await app.getByRole('button', { name: 'Open question' }).click();
  await app.getByRole('button', { name: 'Run to the end' }).click({ timeout: 60_000 });
  await expect(app.getByText('6 of 6 latent thoughts made')).toBeVisible({ timeout: 60_000 });
});
