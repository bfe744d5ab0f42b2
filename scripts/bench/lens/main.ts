/**
 * `npm run bench:lens [-- --samples 16 --tokens 60 --layers 24 --hidden 896]`: what each part of the lens costs on the CPU
 * in Node, on synthetic hidden states (by default 16 rationales of 60 tokens of a model of 24 layers, 896 wide). CPU time of
 * the process (other work on the machine does not count), wall time, and the largest resident memory so far. `--only factors`
 * times LoRi's factors alone, `--only streamed` the same from one sample's states at a time, as a run makes them where all
 * samples' would take too much: what makes the states is not counted, and no others are there.
 */
import { parseArgs } from 'node:util';
import { medianBand } from '../../../src/engine/analysis/band';
import { collapse } from '../../../src/engine/analysis/collapse';
import { gaussian, shuffled } from '../../../src/engine/analysis/controls';
import { layerStd, sampleMoments, teacherFactors } from '../../../src/engine/analysis/lori-factors';
import { matrixSpectra } from '../../../src/engine/analysis/matrix-spectra';
import { Pace } from '../../../src/engine/analysis/pace';
import { allLayers } from '../../../src/engine/analysis/rows';
import type { Spectrum } from '../../../src/engine/analysis/spectra';
import { stacked } from '../../../src/engine/analysis/stacks';
import { StateSums } from '../../../src/engine/analysis/streamed-factors';
import { trajectories } from '../../../src/engine/analysis/trajectories';
import { tuckerEnergy } from '../../../src/engine/analysis/tucker-report';
import { Rng } from '../../../src/engine/base/rng';
import { finished } from '../../../src/engine/kernels/shared/eigen';
import { syntheticSample, syntheticStates } from './states';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '16' },
    tokens: { type: 'string', default: '60' },
    layers: { type: 'string', default: '24' },
    hidden: { type: 'string', default: '896' },
    only: { type: 'string', default: '' },
  },
});
const size = {
  samples: Number(values.samples),
  tokens: Number(values.tokens),
  layers: Number(values.layers),
  hidden: Number(values.hidden),
};

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T | undefined> {
  if (values.only !== '' && !what.startsWith(values.only) && what !== 'states') return undefined;
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${what.padEnd(42)} ${((user + system) / 1e6).toFixed(2).padStart(8)} s CPU ${((performance.now() - wall) / 1000).toFixed(2).padStart(8)} s wall ${peak.toFixed(0).padStart(6)} MiB largest so far`,
  );
  return result;
}

// As a run makes them from the teacher's rationales: ranks of the preset.
const ranks = { rankL: Math.min(4, size.layers), rankH: Math.min(32, size.hidden) };
if (values.only === 'streamed') {
  await streamed();
  process.exit(0);
}

const gathered = (await timed('states', () => syntheticStates(size, 1))) as ReturnType<
  typeof syntheticStates
>;
const { hidden } = gathered;
const layers = allLayers(size.layers);
const bySample = stacked(gathered, { stack: 'sample', layers, centre: false });
const named = (what: string) => `${what}, ${bySample.length} × [${bySample[0]?.rows}, ${hidden}]`;
const spectra = (await timed(named('figure 6'), () => matrixSpectra(bySample, hidden)))?.spectra;
await timed(named('shuffled'), () => matrixSpectra(shuffled(bySample, hidden, 1), hidden));
await timed(named('gaussian'), () => matrixSpectra(gaussian(bySample, hidden, 1, false), hidden));
if (spectra)
  await timed('bootstrap of both bands', () => {
    const decay = spectra.map(({ sigma }: Spectrum) => sigma.map((s) => s / (sigma[0] as number)));
    medianBand(
      spectra.map((s) => s.cumulative),
      1,
      new Rng(1),
    );
    medianBand(decay, 0, new Rng(1));
  });
const byLayer = stacked(gathered, { stack: 'layer', layers, centre: false });
await timed(`by layer, ${byLayer.length} × [${byLayer[0]?.rows}, ${hidden}]`, () =>
  matrixSpectra(byLayer, hidden),
);
const chosen = { gathered, layers };
await timed(`collapse, ${size.samples * size.layers} × [${size.tokens}, ${hidden}]`, () => collapse(chosen));
await timed('Tucker', () => tuckerEnergy(chosen));
await timed('trajectories', () => trajectories([chosen], 'tucker'));
const rationales = gathered.samples.map(({ states }) => states);
await timed('factors of LoRi', () => {
  const layerScale = layerStd(rationales, size.layers, hidden);
  return new Pace('the bench', undefined).run(
    teacherFactors(rationales, size.layers, hidden, { ...ranks, layerScale }),
  );
});

/** Each of the two readings, and what is done between them. */
async function streamed(): Promise<void> {
  const { samples, layers, hidden } = size;
  const sums = new StateSums(layers, hidden, { grams: true, scaled: true });
  const cpu = { first: 0, second: 0 };
  const read = async (reading: keyof typeof cpu, work: (states: Float32Array, sample: number) => void) => {
    for (let s = 0; s < samples; s++) {
      const states = syntheticSample(size, 1, s);
      const from = process.cpuUsage();
      work(states, s);
      const { user, system } = process.cpuUsage(from);
      cpu[reading] += (user + system) / 1e6;
    }
  };
  const say = (what: string, seconds: number) =>
    console.log(
      `${what.padEnd(42)} ${seconds.toFixed(2).padStart(8)} s CPU ${(process.resourceUsage().maxRSS / 1024).toFixed(0).padStart(6)} MiB largest so far`,
    );
  await read('first', (states, s) => finished(sums.add(states, s)));
  say('streamed: sums', cpu.first);
  const layerScale = sums.std();
  const from = process.cpuUsage();
  const shared = finished(sums.factors({ ...ranks, layerScale }));
  const { user, system } = process.cpuUsage(from);
  const vectors = (user + system) / 1e6;
  say('streamed: vectors', vectors);
  await read('second', (states) => sampleMoments(states, shared, { ...ranks, layers, hidden, layerScale }));
  say('streamed: moments', cpu.second);
  say('streamed: factors of LoRi', cpu.first + vectors + cpu.second);
}
