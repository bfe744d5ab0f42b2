import type { GraphHostTensor } from '../base/dtype';
import { ModelOnDevice } from '../model/model-on-device';
import type { Feedback } from '../nn/feedback';
import type { Weights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import { Decoder, type DecoderInput, type StepOptions } from './decoder';
import type { DecodeShape } from './programs';
import { hiddenOf, latentOf, logitsOf } from './readout';
import type { DecoderState } from './state';

/** A decoder that is its model's only user. */
export async function decoderOf(runtime: Runtime, weights: Weights, shape: DecodeShape): Promise<Decoder> {
  const model = new ModelOnDevice(runtime, shape.config, weights);
  const decoder = new Decoder(model, shape);
  await model.release();
  return decoder;
}

/** A decoder run without branches: each step disposes of the previous state. */
export class Walk {
  private at: DecoderState | undefined;

  constructor(
    readonly decoder: Decoder,
    /** Options for the question, and for the positions after it. */
    private readonly question: StepOptions = {},
    private readonly after: StepOptions = question,
  ) {}

  get state(): DecoderState {
    if (!this.at) throw new Error('nothing was read yet');
    return this.at;
  }

  async begin(ids: GraphHostTensor, keyMask: GraphHostTensor): Promise<void> {
    this.end();
    this.at = await this.decoder.begin(ids, keyMask, { hidden: true, ...this.question });
  }

  async feed(input: DecoderInput): Promise<void> {
    this.at = await this.decoder.step(this.state, input, { hidden: true, ...this.after });
  }

  tokens = (...tokens: number[]): Promise<void> => this.feed({ tokens });
  hidden = (): Promise<Float32Array> => hiddenOf(this.state);
  logits = (): Promise<Float32Array> => logitsOf(this.decoder, this.state);
  latent = (feedback: Feedback): Promise<Float32Array<ArrayBuffer>> =>
    latentOf(this.decoder, this.state, feedback);

  end(): void {
    this.at?.dispose();
    this.at = undefined;
  }
}
