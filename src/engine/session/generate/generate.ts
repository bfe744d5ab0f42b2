import type { CallOptions } from '../../../contract/calls';
import type {
  GeneratedToken,
  GenerateEnding,
  GenerateReport,
  GenerateReporting,
  GenerateRequest,
  TokenText,
} from '../../../contract/generate';
import { promptIsFed } from '../../../contract/memory';
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
import { refuseUnlessFits, sizesOf } from '../models/fits';
import { checkPromptLogits, type OnnxExport } from '../models/onnx-export';
import { onnxSampler } from '../models/onnx-sampler';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { promptOf } from '../prompts/prompt';
import { GenerationClock } from './clock';
import type { GenerationDecoders } from './decoders';
import { type Lengths, lengthsOf } from './lengths';
import { parseGenerateRequest, samplingOf } from './request';
import { TextStream } from './text-stream';

/** What text generation needs. */
export interface GenerateContext {
  readonly models: DeviceModels;
  readonly loaded: LoadedModels;
  readonly decoders: GenerationDecoders;
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
  const sizes = { sequences: request.settings.samples, tokens, prompt: prompt.length };
  const { provider } = context.models.runtime;
  if (resolved.model.onnx) checkPromptLogits(resolved.model.onnx, prompt.length);
  else refuseUnlessFits(config, provider, { kind: 'generate', ...sizes }, 'generating text');
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
  const run = new Generation(context, request, resolved, prompt, lengths, values, clock, options);
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

  constructor(
    private readonly context: GenerateContext,
    private readonly request: GenerateRequest,
    private readonly resolved: ResolvedSubject,
    private readonly prompt: readonly number[],
    private readonly lengths: Lengths,
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
  }

  async samples(): Promise<GenerateReport['samples']> {
    const { onnx } = this.resolved.model;
    await (onnx ? this.runExport(onnx) : this.runDecoder());
    return this.made.map(({ tokens, ending }, row) => ({
      text: (this.streams[row] as TextStream).text,
      tokens,
      ending,
    }));
  }

  private async runDecoder(): Promise<void> {
    const { decoder, state } = await this.begin();
    let isHeld = true;
    try {
      await this.prepare(decoder);
      await sample(decoder, state, {
        ...this.continuing(),
        grow: (full) => {
          isHeld = false;
          return this.grow(full);
        },
      });
    } finally {
      if (isHeld) state.dispose();
    }
  }

  private async runExport(file: OnnxExport): Promise<void> {
    const { onnx } = this.context.models;
    const { signal } = this.options;
    // Opened outside the timing, and kept.
    await this.clock.compiling(() => onnx.use(file, signal, async () => undefined));
    await onnx.use(file, signal, async (runner) => {
      const read = await runner.begin(this.prompt);
      const state = runner.repeat(read, this.request.settings.samples);
      await continueRows(onnxSampler(runner), state, this.continuing());
    });
  }

  /** How each row is continued. */
  private continuing() {
    const rows = this.streams.map((_, row) => row);
    return {
      sampling: samplingOf(this.request),
      seed: this.request.settings.seed,
      samples: rows,
      positions: rows.map(() => this.prompt.length),
      endIds: this.resolved.model.endIds,
      limit: this.lengths.limit,
      signal: this.options.signal,
      onToken: (row: number, token: SampledToken) => this.tell(row, token),
      onEnd: (row: number, ending: Ending) => this.end(row, ending),
    };
  }

  /** Reads the prompt. @returns its state for all samples */
  private begin(): Promise<{ decoder: Decoder; state: DecoderState }> {
    const { resolved, context, prompt } = this;
    const sizes = sizesOf(resolved.model.config);
    return promptIsFed(sizes, context.models.runtime.provider, prompt.length) ? this.feed() : this.read();
  }

  /** Feeds the prompt to every sample, token by token. */
  private async feed(): Promise<{ decoder: Decoder; state: DecoderState }> {
    const { context, resolved, values, lengths, clock, prompt } = this;
    const batch = this.request.settings.samples;
    const sizes = { batch, question: 1, capacity: lengths.capacity };
    const decoder = await context.decoders.take('draws', context.models, resolved, sizes, values);
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
    const { context, resolved, values, lengths, clock, prompt } = this;
    const { question, capacity } = lengths;
    const { models, decoders } = context;
    const sizes = { batch: 1, question, capacity: question };
    const reads = await decoders.take('reads', models, resolved, sizes, values);
    await clock.compiling(() => reads.compile('prefill'));
    throwIfCancelled(this.options.signal, 'generation');
    const { ids, keyMask } = leftPad([prompt], question, resolved.tokenizer.padTokenId);
    const read = await reads.begin(ids, keyMask);
    const batch = this.request.settings.samples;
    const decoder = await decoders.take('draws', models, resolved, { batch, question: 1, capacity }, values);
    // Counted as compiling, which is most of it.
    const state = await clock.compiling(() => decoder.adopt(read));
    read.dispose();
    // Frees memory before the next large program is compiled.
    await decoders.leaveIfLarge('reads');
    return { decoder, state };
  }

  private grow(full: DecoderState): Promise<{ decoder: Decoder; state: DecoderState }> {
    const capacity = Math.min(2 * (full.column + full.room), this.lengths.maxCapacity);
    return this.context.decoders
      .grow(capacity, this.values, async (decoder) => ({
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
    this.options.report?.({
      kind: 'token',
      sample: row,
      token,
      text: stream.push(drawn.id),
      tokensPerSecond,
    });
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
