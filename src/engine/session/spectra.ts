import type { CallOptions } from '../../contract/calls';
import type { SampleSpectrum, SpectraReport } from '../../contract/events';
import { sampleSpectra } from '../analysis/spectra';
import { layoutOf } from '../data/batch';
import type { Runtime } from '../runtime/runtime';
import type { TeacherStates } from '../train/teacher';
import type { Pair } from './pair';
import type { Example } from './problems';
import { teacherStates } from './teacher-states';

/** Samples the teacher reads at once. */
const BATCH = 8;

/** The paper's figure 6: each sample's rationale states, all layers and tokens stacked to M×H with M = N·L. */
export async function teacherSpectra(
  runtime: Runtime,
  pair: Pair,
  examples: readonly Example[],
  seed: number,
  options: CallOptions,
): Promise<SpectraReport> {
  const start = performance.now();
  const { layers: L, hiddenSize: H } = pair.teacher.config;
  const layout = layoutOf(
    examples.map((e) => e.tokens),
    pair.codec,
    Math.min(BATCH, examples.length),
  );
  const tell = (phase: 'teacher' | 'spectra', done: number): void =>
    options.report?.({
      phase,
      done,
      total: examples.length,
      unit: 'samples',
      elapsed: performance.now() - start,
    });
  const states = await teacherStates(runtime, pair, examples, layout, {
    signal: options.signal,
    onProgress: (done) => tell('teacher', done),
  });
  const spectra = await sampleSpectra(
    states.map((s) => s.rationale),
    H,
    {
      signal: options.signal,
      onProgress: (share) => tell('spectra', Math.round(share * examples.length)),
    },
  );
  const samples = spectra.map((s, i): SampleSpectrum => {
    const { tokens } = states[i] as TeacherStates;
    const { id, problem } = examples[i] as Example;
    return {
      id,
      question: problem.question,
      tokens,
      rows: tokens * L,
      ...s,
      cumulative: Float32Array.from(s.cumulative),
    };
  });
  return {
    model: pair.teacher.report.name,
    layers: L,
    hidden: H,
    kernel: 'svd (CPU)',
    dtype: 'f64',
    seed,
    samples,
    milliseconds: performance.now() - start,
  };
}
