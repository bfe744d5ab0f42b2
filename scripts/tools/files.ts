/**
 * Files that tests read by name, with the same calls in Node and in the browser: the bundled checkpoints of models/
 * and the reference checkpoints of the shared folder (LORI_SHARED, else ../shared), which may be absent:
 *
 *     describe.skipIf(!(await hasFile('shared', 'checkpoints/stories260K/config.json')))('stories260K', …)
 */
export type FileRoot = 'models' | 'shared';

const inNode = typeof process !== 'undefined' && typeof process.versions?.node === 'string';

async function fromDisk(folder: FileRoot, path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const fs = (await import(/* @vite-ignore */ `node:${'fs'}`)) as typeof import('node:fs');
  const folders = await import('./folders.mjs');
  const file = `${folder === 'models' ? `${folders.root}/models` : folders.sharedFolder}/${path}`;
  return fs.existsSync(file) ? new Uint8Array(fs.readFileSync(file)) : undefined;
}

async function fromServer(folder: FileRoot, path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await fetch(`/${folder}/${path}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`/${folder}/${path} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Whether the file is there; a test that needs it and finds it absent is skipped, visibly. */
export async function hasFile(folder: FileRoot, path: string): Promise<boolean> {
  if (inNode) return (await fromDisk(folder, path)) !== undefined;
  return (await fetch(`/${folder}/${path}`, { method: 'HEAD' })).ok;
}

/** The bytes of a file. Throws if it is absent. */
export async function readFile(folder: FileRoot, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await (inNode ? fromDisk : fromServer)(folder, path);
  if (!bytes) throw new Error(`no file ${path} in ${folder}`);
  return bytes;
}

/** The contents of a JSON file. Throws if it is absent or not JSON. */
export async function readJson<T>(folder: FileRoot, path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await readFile(folder, path))) as T;
}
