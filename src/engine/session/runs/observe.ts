import type { RunConfig } from '../../../contract/config';
import type { RunEvent, SpectrumEvent } from '../../../contract/events';
import { median } from '../../../contract/statistics';
import { meanCosine } from '../../analysis/collapse';
import { type Spectrum, spectrumOf } from '../../analysis/spectra';
import { NumericError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import { hiddenOf } from '../../decode/readout';
import { reason } from '../../decode/reason';
import { type Reasoning, thoughtsIn } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { svd } from '../../kernels/svd/svd';
import type { Example } from '../models/problems';
import type { StudentCheckpoint } from '../models/subjects';
import type { TrainedAdapter } from './adapter';

/** How a run is observed, without changing anything in it. */
export interface ObserverOptions {
  readonly config: RunConfig['observation'];
  readonly adapter: TrainedAdapter;
  /** The student's decoder, bound to the adapter in training; it is idle between two steps. */
  readonly decoder: Decoder;
  readonly device: Device | undefined;
  readonly padId: number;
  /** The training samples, in the run's order: the first few are observed. */
  readonly training: readonly Example[];
  /** Keeps a checkpoint. @returns its id */
  readonly keep: (checkpoint: StudentCheckpoint) => number;
  readonly emit: (event: RunEvent) => void;
  readonly signal: AbortSignal | undefined;
  /** For a resumed run, the last step observed before. */
  readonly seen?: number | undefined;
}

/** Keeps a checkpoint every few steps and reports the spectrum of the student's latents. */
export class Observer {
  private seen: number;
  private readonly questions: readonly (readonly number[])[];

  constructor(private readonly options: ObserverOptions) {
    const { training, config } = options;
    this.seen = options.seen ?? -1;
    this.questions = training.slice(0, config.samples).map((e) => e.tokens.question);
  }

  /** Observes the student after `step` steps, if that is a step to observe. */
  async at(step: number): Promise<void> {
    const { every } = this.options.config;
    if (every > 0 && step % every === 0) await this.look(step);
  }

  /** Observes the student that the run ends with. */
  async end(step: number): Promise<void> {
    if (this.options.config.every > 0) await this.look(step);
  }

  private async look(step: number): Promise<void> {
    if (step === this.seen) return;
    this.seen = step;
    const { adapter, emit, keep } = this.options;
    const { label, ...own } = adapter.student;
    const student = { ...own, reasoning: adapter.reasoning };
    const packs = await adapter.snapshot(step);
    const checkpoint = keep({ ...student, label: `${label}, step ${step}`, step, packs });
    if (thoughtsIn(student.reasoning) === 0) return;
    const start = performance.now();
    const spectrum = await this.spectrum();
    emit({
      kind: 'spectrum',
      step,
      checkpoint,
      samples: this.questions.length,
      ...spectrum,
      milliseconds: performance.now() - start,
    });
  }

  private async spectrum(): Promise<Look> {
    const { adapter, decoder, device, padId, signal } = this.options;
    const { reasoning } = adapter;
    const K = thoughtsIn(reasoning);
    const { layers: L, hiddenSize: H } = decoder.shape.config;
    const states = await latentStates(decoder, this.questions, reasoning, padId);
    const shape = { batch: this.questions.length, rows: K * L, cols: H, r: 0 };
    const k = Math.min(shape.rows, H);
    try {
      const { sigma } = await svd(states, shape, { device, signal });
      const spectra = this.questions.map((_, i) => spectrumOf(sigma.slice(i * k, (i + 1) * k)));
      return medians(
        spectra,
        this.questions.map((_, i) => meanCosine(lastLayer(states, i, K, L, H), H)),
      );
    } catch (error) {
      // Hidden states that overflow are the run's own business: it notices when its loss does.
      if (!(error instanceof NumericError)) throw error;
      const nothing = new Float32Array(k).fill(Number.NaN);
      const nan = Number.NaN;
      return { sigma: nothing, cumulative: nothing, effectiveRank: nan, stableRank: nan, cosine: nan };
    }
  }
}

type Look = Pick<SpectrumEvent, 'sigma' | 'cumulative' | 'effectiveRank' | 'stableRank' | 'cosine'>;

/** hidden_states[1..L] of each question's K thoughts, [samples, K, L, H]; as many questions at a time as the decoder takes. */
async function latentStates(
  decoder: Decoder,
  questions: readonly (readonly number[])[],
  reasoning: Reasoning,
  padId: number,
): Promise<Float32Array> {
  const K = thoughtsIn(reasoning);
  const { batch: B, question: S, config } = decoder.shape;
  const size = config.layers * config.hiddenSize;
  const states = new Float32Array(questions.length * K * size);
  for (let from = 0; from < questions.length; from += B) {
    const filled = Array.from({ length: B }, (_, i) => questions[from + i] ?? (questions[from] as number[]));
    const { ids, keyMask } = leftPad(filled, S, padId);
    let state = await decoder.begin(ids, keyMask);
    try {
      state = await reason(decoder, state, reasoning, {
        step: { hidden: true },
        onPosition: async (at, { thought }) => {
          if (thought === undefined) return;
          const hidden = await hiddenOf(at);
          for (let i = 0; i < Math.min(B, questions.length - from); i++)
            states.set(hidden.subarray(i * size, (i + 1) * size), ((from + i) * K + thought - 1) * size);
        },
      });
    } finally {
      state.dispose();
    }
  }
  return states;
}

/** The last layer's hidden states of sample i, [K, H]. */
function lastLayer(states: Float32Array, i: number, K: number, L: number, H: number): Float32Array {
  const out = new Float32Array(K * H);
  for (let t = 0; t < K; t++) {
    const from = ((i * K + t) * L + L - 1) * H;
    out.set(states.subarray(from, from + H), t * H);
  }
  return out;
}

function medians(spectra: readonly Spectrum[], cosines: readonly number[]): Look {
  const k = spectra[0]?.sigma.length ?? 0;
  const curve = (of: (s: Spectrum) => ArrayLike<number>): Float32Array =>
    Float32Array.from({ length: k }, (_, r) => medianOfAll(spectra.map((s) => of(s)[r] as number)));
  return {
    sigma: curve((s) => s.sigma),
    cumulative: curve((s) => s.cumulative),
    effectiveRank: medianOfAll(spectra.map((s) => s.effectiveRank)),
    stableRank: medianOfAll(spectra.map((s) => s.stableRank)),
    cosine: medianOfAll(cosines),
  };
}

/** NaN if one of the values is: a sample that cannot be measured is not left out silently. */
const medianOfAll = (values: readonly number[]): number =>
  values.some(Number.isNaN) ? Number.NaN : median(values);
