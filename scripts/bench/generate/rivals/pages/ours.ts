/** This engine in its worker, as the app runs it, behind the functions that `../browser.ts` calls. */
import { generateDefaults } from '../../../../../src/contract/generate';
import { vouchForOwnScripts } from '../../../../../src/contract/trusted-types';
import type { WeightStorage } from '../../../../../src/contract/weight-storage';
import { connect, startWorker } from '../../../../../src/worker/client';
import type { Opening, PageBench } from '../page-bench';
import { PROMPT } from '../prompt';

vouchForOwnScripts();
const engine = connect(startWorker());
let logProbabilities: readonly number[] = [];

const bench: PageBench = {
  async open({ storage, threads }: Opening) {
    const report = await engine.open('wasm');
    if (report.threads !== threads) throw new Error(`this engine has ${report.threads} threads`);
    const { files } = document.querySelector('input') as HTMLInputElement;
    await engine.openCheckpoint([...(files as FileList)].map((file) => ({ name: file.name, data: file })));
    await engine.storeWeights(storage as WeightStorage);
  },

  /** The prompt is the text whose tokens the other engines are given. */
  async generate(prompt, limit, onToken) {
    const request = {
      subject: { kind: 'opened' as const },
      prompt: PROMPT,
      stop: [],
      settings: { ...generateDefaults, limit },
    };
    const made = await engine.generate(request, {
      report: (event) => {
        if ('kind' in event && event.kind === 'token') onToken(event.token.id);
      },
    });
    if (made.prompt.some(({ id }, i) => id !== prompt[i])) throw new Error('the prompt has other tokens');
    logProbabilities = made.samples[0]?.tokens.map((token) => token.logProbability) ?? [];
  },

  logProbabilities: async () => logProbabilities,
};
Object.assign(globalThis, { bench });
