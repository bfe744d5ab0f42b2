/** The engine in its worker, as the app runs it, behind functions that `../page.mjs` calls. */
import { generateDefaults } from '../../../../src/contract/generate';
import { vouchForOwnScripts } from '../../../../src/contract/trusted-types';
import { connect, startWorker } from '../../../../src/worker/client';
import { lensRequest } from '../requests';

vouchForOwnScripts();
const engine = connect(startWorker());

const clock = async <T>(run: () => Promise<T>): Promise<{ seconds: number; value: T }> => {
  const start = performance.now();
  const value = await run();
  return { seconds: Number(((performance.now() - start) / 1000).toFixed(2)), value };
};

const calls = {
  device: async (provider: 'wasm' | 'webgpu') => (await engine.open(provider)).threads,
  open: async () => {
    const { files } = document.querySelector('input') as HTMLInputElement;
    const list = [...(files as FileList)].map((file) => ({ name: file.name, data: file }));
    return (await clock(() => engine.openCheckpoint(list))).seconds;
  },
  lens: async (name: string) => (await clock(() => engine.lens(lensRequest(name)))).seconds,
  generate: async (limit: number) => {
    const settings = { ...generateDefaults, limit };
    const request = { subject: { kind: 'opened' as const }, prompt: 'Tom has 12 apples', stop: [], settings };
    const { seconds, value } = await clock(() => engine.generate(request));
    return { all: seconds, report: { ...value.seconds }, tokens: value.samples[0]?.tokens.length };
  },
};

Object.assign(globalThis, { bench: calls });
