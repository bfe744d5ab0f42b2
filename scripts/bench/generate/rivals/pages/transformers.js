/** transformers.js on WASM, behind the functions that `../browser.ts` calls. */
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers';

env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = '/models/';
env.useBrowserCache = false;
env.backends.onnx.wasm.wasmPaths = '/packages/onnxruntime-web/dist/';

let model;

const row = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
const inputsOf = (ids) => ({ input_ids: row(ids), attention_mask: row(ids.map(() => 1)) });

/** Calls back with every new token's id as it is there. */
class Streamer {
  constructor(onToken) {
    this.onToken = onToken;
    this.isPrompt = true;
  }

  put([ids]) {
    if (!this.isPrompt) this.onToken(Number(ids.at(-1)));
    this.isPrompt = false;
  }

  end() {}
}

globalThis.bench = {
  async open({ model: name, storage, threads }) {
    env.backends.onnx.wasm.numThreads = threads;
    model = await AutoModelForCausalLM.from_pretrained(name, { dtype: storage, device: 'wasm' });
  },

  async generate(prompt, limit, onToken) {
    await model.generate({
      ...inputsOf(prompt),
      max_new_tokens: limit,
      min_new_tokens: limit,
      do_sample: false,
      streamer: new Streamer(onToken),
    });
  },

  /** Log-probabilities of these tokens after the prompt, read in one pass. */
  async logProbabilities(prompt, tokens) {
    const { logits } = await model(inputsOf([...prompt, ...tokens]));
    const [, , width] = logits.dims;
    return tokens.map((id, i) => {
      const from = (prompt.length - 1 + i) * width;
      const values = logits.data.subarray(from, from + width);
      const most = values.reduce((m, x) => Math.max(m, x), -Infinity);
      return values[id] - most - Math.log(values.reduce((sum, x) => sum + Math.exp(x - most), 0));
    });
  },
};
