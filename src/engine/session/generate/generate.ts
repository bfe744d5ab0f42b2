import type { CallOptions } from '../../../contract/calls';
import type {
  GeneratedToken,
  GenerateEnding,
  GenerateReport,
  GenerateReporting,
  GenerateRequest,
  TokenText,
} from '../../../contract/generate';
import { type Purpose, promptIsFed } from '../../../contract/memory';
import { CancelledError, InputError, throwIfCancelled } from '../../base/errors';
import { leftPad } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import { tokensFed } from '../../decode/programs';
import { continueRows, type Ending, sample } from '../../decode/sample';
import { prepareSampling, type SampledToken } from '../../decode/sample-next';
import type { DecoderState } from '../../decode/state';
import { uploadParameters } from '../../model/upload-parameters';
import type { DeviceTensor } from '../../runtime/tensor';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { DeviceModels } from '../models/device-models';
import { fitting, keptAtOnce, sizesOf } from '../models/fits';
import { checkPromptLogits, type OnnxExport } from '../models/onnx-export';
import { onnxSampler } from '../models/onnx-sampler';
import type { LoadedModel } from '../models/pair';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { promptOf } from '../prompts/prompt';
import { GenerationClock } from './clock';
import type { GenerationDecoders } from './decoders';
import { type Lengths, lengthsOf, roundsOf } from './lengths';
import { parseGenerateRequest, samplingOf } from './request';
import { TextStream } from './text-stream';

/** What text generation needs. */
export interface GenerateContext {
  readonly models: DeviceModels;
  readonly loaded: LoadedModels;
  readonly decoders: GenerationDecoders;
  /** Bytes of the states of all samples that are drawn at once; default `MAX_STATE_BYTES`. */
  readonly maxStateBytes?: number | undefined;
}

/**
 * Continues a prompt, reporting every token as it is drawn.
 * @throws InputError for an impossible request or a prompt beyond the model's positions, MemoryError for one that does not
 * fit, NumericError for logits that are not finite, CancelledError between two tokens
 */
export async function generate(
  context: GenerateContext,
  value: GenerateRequest,
  options: CallOptions<GenerateReporting> = {},
): Promise<GenerateReport> {
  const request = parseGenerateRequest(value);
  const resolved = resolveSubject(request.subject, context.loaded);
  const { tokenizer } = resolved;
  const prompt = promptOf(tokenizer, request.prompt, request.template).tokens.map(({ id }) => id);
  if (prompt.length === 0)
    throw new InputError(
      'the prompt has no tokens',
      'Type something: this model’s tokenizer adds no tokens of its own.',
    );
  const lengths = lengthsOf(resolved, prompt.length, request.settings);
  const { config } = resolved.model;
  const tokens = prompt.length + lengths.limit;
  const { samples } = request.settings;
  if (resolved.model.onnx) checkPromptLogits(resolved.model.onnx, prompt.length);
  const wanted = { kind: 'generate', sequences: samples, tokens, prompt: prompt.length } as const;
  const rounds = roundsOf(samples, atOnce(context, resolved.model, wanted, lengths));
  const shown = prompt.map((id) => textOf(tokenizer, id));
  options.report?.({ kind: 'prompt', tokens: shown });
  const clock = new GenerationClock(request.settings.samples * lengths.limit, options.report);
  const { parameters, packs } = resolved;
  const values = uploadParameters(
    context.models.runtime,
    parameters.weights ? context.models.configOf(resolved.model) : config,
    parameters,
    packs,
  );
  const run = new Generation(context, request, resolved, prompt, lengths, rounds, values, clock, options);
  try {
    const samples = await run.samples();
    return {
      request,
      label: resolved.label,
      model: resolved.source,
      prompt: shown,
      samples,
      seconds: clock.seconds,
      tokensPerSecond: clock.rate,
    };
  } catch (error) {
    // Whatever their state; what cannot be freed on a lost device is gone anyway.
    if (!(error instanceof CancelledError)) await context.decoders.drop().catch(() => undefined);
    throw error;
  } finally {
    await context.decoders.leaveIfLarge('reads', 'draws');
    for (const value of values) value.dispose();
  }
}

/**
 * How many samples are drawn at once: as many as fit, and as a decoder keeps the states of. Each draws with its own random
 * numbers, so that it is the same whatever is drawn beside it.
 * @throws MemoryError if not even one fits, naming what would
 */
function atOnce(
  { models: { runtime }, maxStateBytes }: GenerateContext,
  { config, onnx }: LoadedModel,
  wanted: Extract<Purpose, { readonly kind: 'generate' }>,
  { sampleBytes }: Lengths,
): number {
  // The parts of an export are unknown.
  const { sequences } = onnx
    ? wanted
    : fitting(config, runtime.provider, wanted, 'generating text', sampleBytes);
  return Math.min(sequences, keptAtOnce(sampleBytes, maxStateBytes));
}

const textOf = (tokenizer: Tokenizer, id: number): TokenText => ({ id, text: tokenizer.tokenText(id) });

/** A sample being generated. */
interface Made {
  readonly tokens: GeneratedToken[];
  ending: GenerateEnding;
}

/** One call of `generate`. */
class Generation {
  private readonly streams: readonly TextStream[];
  private readonly made: readonly Made[];
  /** Columns of the cache so far, with which the next round begins. */
  private capacity: number;

  constructor(
    private readonly context: GenerateContext,
    private readonly request: GenerateRequest,
    private readonly resolved: ResolvedSubject,
    private readonly prompt: readonly number[],
    private readonly lengths: Lengths,
    /** Numbers of the samples that are drawn at once, the last ones perhaps fewer. */
    private readonly rounds: readonly (readonly number[])[],
    private readonly values: readonly DeviceTensor[],
    private readonly clock: GenerationClock,
    private readonly options: CallOptions<GenerateReporting>,
  ) {
    const { settings, stop } = request;
    this.streams = Array.from(
      { length: settings.samples },
      () => new TextStream(resolved.tokenizer, prompt, stop),
    );
    this.made = this.streams.map(() => ({ tokens: [], ending: 'limit' }));
    this.capacity = lengths.capacity;
  }

  async samples(): Promise<GenerateReport['samples']> {
    const { onnx } = this.resolved.model;
    for (const rows of this.rounds) await (onnx ? this.runExport(onnx, rows) : this.runDecoder(rows));
    return this.made.map(({ tokens, ending }, row) => ({
      text: (this.streams[row] as TextStream).text,
      tokens,
      ending,
    }));
  }

  /** Samples that are drawn at once: all rounds have as many rows, so that they share programs. */
  private get batch(): number {
    return (this.rounds[0] as readonly number[]).length;
  }

  private async runDecoder(samples: readonly number[]): Promise<void> {
    const { decoder, state } = await this.begin();
    let isHeld = true;
    try {
      await this.prepare(decoder);
      await sample(decoder, state, {
        ...this.continuing(samples),
        grow: (full) => {
          isHeld = false;
          return this.grow(full);
        },
      });
    } finally {
      if (isHeld) state.dispose();
    }
  }

  private async runExport(file: OnnxExport, samples: readonly number[]): Promise<void> {
    const { onnx } = this.context.models;
    const { signal } = this.options;
    // Opened outside the timing, and kept.
    await this.clock.compiling(() => onnx.use(file, signal, async () => undefined));
    await onnx.use(file, signal, async (runner) => {
      const read = await runner.begin(this.prompt);
      const state = runner.repeat(read, this.batch);
      await continueRows(onnxSampler(runner), state, this.continuing(samples));
    });
  }

  /** How each row is continued; those beyond the samples end after one token, which nobody sees. */
  private continuing(samples: readonly number[]) {
    const rows = Array.from({ length: this.batch }, (_, row) => samples[row] ?? 0);
    const isFilled = (row: number): boolean => row >= samples.length;
    return {
      sampling: samplingOf(this.request),
      seed: this.request.settings.seed,
      samples: rows,
      positions: rows.map(() => this.prompt.length),
      endIds: this.resolved.model.endIds,
      limit: this.lengths.limit,
      signal: this.options.signal,
      onToken: (row: number, token: SampledToken) =>
        isFilled(row) ? 'stop' : this.tell(rows[row] as number, token),
      onEnd: (row: number, ending: Ending) => {
        if (!isFilled(row)) this.end(rows[row] as number, ending);
      },
    };
  }

  /** Sizes of the decoder that draws. */
  private get drawing() {
    const { batch, capacity, lengths } = this;
    return { batch, question: 1, capacity, stateBytes: batch * lengths.sampleBytes };
  }

  /** Reads the prompt. @returns its state for all samples of a round */
  private begin(): Promise<{ decoder: Decoder; state: DecoderState }> {
    const { resolved, context, prompt } = this;
    const sizes = sizesOf(resolved.model.config);
    return promptIsFed(sizes, context.models.runtime.provider, prompt.length) ? this.feed() : this.read();
  }

  /** Feeds the prompt to every sample, token by token. */
  private async feed(): Promise<{ decoder: Decoder; state: DecoderState }> {
    const { context, resolved, values, clock, prompt, batch } = this;
    const decoder = await context.decoders.take('draws', context.models, resolved, this.drawing, values);
    await clock.compiling(() => decoder.compile(tokensFed(decoder.shape)));
    let state = await decoder.empty();
    try {
      for (const id of prompt) {
        throwIfCancelled(this.options.signal, 'generation');
        state = await decoder.step(state, { tokens: new Array(batch).fill(id) });
      }
    } catch (error) {
      state.dispose();
      throw error;
    }
    return { decoder, state };
  }

  /** Reads the prompt at once, and copies its state for all samples. */
  private async read(): Promise<{ decoder: Decoder; state: DecoderState }> {
    const { context, resolved, values, clock, prompt } = this;
    const { question } = this.lengths;
    const { models, decoders } = context;
    const sizes = { batch: 1, question, capacity: question };
    const reads = await decoders.take('reads', models, resolved, sizes, values);
    await clock.compiling(() => reads.compile('prefill'));
    throwIfCancelled(this.options.signal, 'generation');
    const { ids, keyMask } = leftPad([prompt], question, resolved.tokenizer.padTokenId);
    const read = await reads.begin(ids, keyMask);
    const decoder = await decoders.take('draws', models, resolved, this.drawing, values);
    // Counted as compiling, which is most of it.
    const state = await clock.compiling(() => decoder.adopt(read));
    read.dispose();
    // Frees memory before the next large program is compiled.
    await decoders.leaveIfLarge('reads');
    return { decoder, state };
  }

  private grow(full: DecoderState): Promise<{ decoder: Decoder; state: DecoderState }> {
    const capacity = Math.min(2 * (full.column + full.room), this.lengths.maxCapacity);
    this.capacity = capacity;
    const { stateBytes } = this.drawing;
    return this.context.decoders
      .grow({ capacity, stateBytes }, this.values, async (decoder) => ({
        decoder,
        state: await this.clock.compiling(() => decoder.adopt(full)),
      }))
      .then(async (grown) => {
        await this.prepare(grown.decoder);
        return grown;
      });
  }

  private prepare(decoder: Decoder): Promise<void> {
    return this.clock.compiling(async () => {
      await decoder.compile(tokensFed(decoder.shape));
      await prepareSampling(decoder, samplingOf(this.request));
    });
  }

  private tell(row: number, drawn: SampledToken): 'stop' | undefined {
    const stream = this.streams[row] as TextStream;
    const { tokens } = this.made[row] as Made;
    const token = { ...textOf(this.resolved.tokenizer, drawn.id), ...drawn };
    const tokensPerSecond = this.clock.count(tokens.length === 0);
    tokens.push(token);
    // Whether anybody listens or not.
    const text = stream.push(drawn.id);
    this.options.report?.({ kind: 'token', sample: row, token, text, tokensPerSecond });
    return stream.stopped ? 'stop' : undefined;
  }

  private end(row: number, why: Ending): void {
    const made = this.made[row] as Made;
    const isCut = this.lengths.limit < this.request.settings.limit;
    // The cache grows up to the limit: it is never full before.
    made.ending = why === 'limit' || why === 'full' ? (isCut ? 'positions' : 'limit') : why;
    const text = (this.streams[row] as TextStream).end();
    this.options.report?.({ kind: 'ended', sample: row, text, ending: made.ending });
  }
}
