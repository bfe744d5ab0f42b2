/**
 * `npm run bench:latency -- <folder> [shape…]`: how long K latents and an answer take beside a written chain of 60 tokens and
 * the same answer (LoRi figure 4), on the bundled base and on random weights of true shapes, which are written into the folder
 * if they are not there. Options: --threads 1, --storage f32 (half, int8, int4).
 */
import { parseArgs } from 'node:util';
import { chosenCheckpoints, lastLineOf, sayFailure } from '../checkpoints/chosen';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, storage: { type: 'string', default: 'f32' } },
});
const { threads, storage } = values;

function say(at: string): void {
  try {
    const figures = JSON.parse(lastLineOf('scripts/bench/latency/measure.ts', [at, threads, storage]));
    const { explicit, ...latent } = figures as Record<string, number>;
    console.log(`  question, 60 tokens and an answer: ${(explicit as number).toFixed(1)} ms`);
    for (const [name, ms] of Object.entries(latent))
      console.log(
        `  question, latents and answer, fed back as ${name}: ${ms.toFixed(1)} ms, ${((explicit as number) / ms).toFixed(1)} times faster`,
      );
  } catch (error) {
    sayFailure('latency', error);
  }
}

const usual = ['SmolLM2-135M', 'Qwen2.5-0.5B'];
const checkpoints = chosenCheckpoints(positionals, { command: 'bench:latency', usual, threads });
console.log(`bundled base, ${threads} thread(s)`);
say('models/base');
for (const at of checkpoints) say(at);
console.log(
  'LoRi figure 4 measured 6.9 times for Llama-3.2-1B, 5.1 times for Llama-3.2-3B and Llama-3.1-8B.',
);
