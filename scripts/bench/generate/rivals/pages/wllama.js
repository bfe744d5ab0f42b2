/** wllama on WASM, behind the functions that `../browser.ts` calls. */
import { Wllama } from '/packages/@wllama/wllama/esm/index.js';

/** What it says about itself: its errors tell nothing without. */
const said = [];
const keep = (...parts) => said.push(parts.join(' ').trim());
const logger = { debug() {}, log() {}, warn: keep, error: keep };

const wllama = new Wllama({ default: '/packages/@wllama/wllama/esm/wasm/wllama.wasm' }, { logger });

/** Tokens are called `<id>` in the file. */
const textOf = (ids) => ids.map((id) => `<${id}>`).join('');
const idsIn = (text) => [...text.matchAll(/<(\d+)>/g)].map(([, id]) => Number(id));

const saying = (promise) =>
  promise.catch((error) => {
    throw new Error(`${error.message}; it said: ${said.slice(-5).join(' | ')}`);
  });

const complete = (prompt, limit, more) =>
  saying(
    wllama.createCompletion({
      prompt: textOf(prompt),
      max_tokens: limit,
      temperature: 0,
      top_k: 1,
      ignore_eos: true,
      cache_prompt: false,
      ...more,
    }),
  );

globalThis.bench = {
  async open({ threads }) {
    const { files } = document.querySelector('input');
    const options = { n_threads: threads, n_gpu_layers: 0, n_ctx: 256, n_parallel: 1 };
    await saying(wllama.loadModel([...files], options));
    const own = wllama.isMultithread() ? wllama.getNumThreads() : 1;
    if (own !== threads) throw new Error(`wllama has ${own} threads`);
  },

  async generate(prompt, limit, onToken) {
    const onData = ({ choices: [choice] }) => idsIn(choice?.text ?? '').forEach(onToken);
    await complete(prompt, limit, { stream: true, onData });
  },

  /** Log-probabilities of the tokens that it generates after the prompt. */
  async logProbabilities(prompt, tokens) {
    const { choices, usage } = await complete(prompt, tokens.length, { logprobs: 1 });
    if (usage.prompt_tokens !== prompt.length)
      throw new Error(`wllama read ${usage.prompt_tokens} tokens of ${prompt.length}`);
    return choices[0].logprobs.content.map(({ logprob }) => logprob);
  },
};
