/** wllama on WASM, behind the functions that `../browser.ts` calls. */
import { Wllama } from '/packages/@wllama/wllama/esm/index.js';

/** What it says about itself: its errors tell nothing without. */
const said = [];
const keep = (...parts) => said.push(parts.join(' ').trim());
const logger = { debug() {}, log() {}, warn: keep, error: keep };

const wllama = new Wllama({ default: '/packages/@wllama/wllama/esm/wasm/wllama.wasm' }, { logger });

/** Tokens are called `<id>` in the file. */
const idsIn = (text) => [...text.matchAll(/<(\d+)>/g)].map(([, id]) => Number(id));

const greedy = { temperature: 0, top_k: 1, ignore_eos: true, cache_prompt: false };

globalThis.bench = {
  async open({ threads }) {
    const { files } = document.querySelector('input');
    const options = { n_threads: threads, n_gpu_layers: 0, n_ctx: 256, n_parallel: 1 };
    await wllama.loadModel([...files], options).catch((error) => {
      throw new Error(`${error.message}; it said: ${said.slice(-5).join(' | ')}`);
    });
    if ((wllama.isMultithread() ? wllama.getNumThreads() : 1) !== threads)
      throw new Error(`wllama has ${wllama.getNumThreads()} threads`);
  },

  async generate(prompt, limit, onToken) {
    await wllama.createCompletion({
      ...greedy,
      prompt,
      max_tokens: limit,
      stream: true,
      onData: ({ choices: [choice] }) => idsIn(choice?.text ?? '').forEach(onToken),
    });
  },

  /** Log-probabilities of the tokens that it generates after the prompt. */
  async logProbabilities(prompt, tokens) {
    const { choices } = await wllama.createCompletion({
      ...greedy,
      prompt,
      max_tokens: tokens.length,
      logprobs: 1,
    });
    return choices[0].logprobs.content.map(({ logprob }) => logprob);
  },
};
