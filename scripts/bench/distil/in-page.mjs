import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, preview, runnerImport } from 'vite';

const root = resolve(import.meta.dirname, '../../..');

/** A TypeScript file of the repository. */
export const importOf = async (path) =>
  (await runnerImport(join(root, path), { configFile: false, logLevel: 'error' })).module;

/** Builds the page into the folder, and serves it. */
export async function serveBuild(outDir) {
  const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };
  await build({ ...common, build: { outDir, emptyOutDir: true } });
  const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
  return { server, address: server.resolvedUrls?.local[0] ?? '' };
}

/** Paths of the files of a folder, without those of folders in it. */
export const filesOf = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(folder, name));

/** A page with the checkpoint of a folder and a file of rows opened on WASM, in the Distil place. @param limit of every wait, ms */
export async function openAll(context, { address, folder, data, limit }) {
  const page = await context.newPage();
  page.setDefaultTimeout(limit);
  page.on('pageerror', (error) => console.error(error.message));
  await page.goto(`${address}#/model`);
  await page.getByRole('radio', { name: 'WASM' }).click();
  await page.getByRole('tab', { name: 'Your files' }).click();
  await page.locator('.model-drop input[type=file]').nth(1).setInputFiles(filesOf(folder));
  await page.getByRole('heading', { name: /^Opened: / }).waitFor();
  await page.getByRole('tab', { name: 'Data' }).click();
  await page.locator('.data-drop input[type=file]').setInputFiles(data);
  await page.getByText(/rows pass the filter/).waitFor();
  await page.getByRole('tab', { name: 'Distil' }).click();
  return page;
}

/** The file that a button saves. */
export async function saved(page, name) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name }).first().click(),
  ]);
  return file.path();
}
