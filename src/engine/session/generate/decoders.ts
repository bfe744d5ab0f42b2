import { Decoder } from '../../decode/decoder';
import type { DecodeShape } from '../../decode/programs';
import { explicitly } from '../../decode/reasoning';
import { MAX_STATE_BYTES } from '../../decode/state-pool';
import type { DeviceTensor } from '../../runtime/tensor';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModel } from '../models/pair';
import type { ResolvedSubject } from '../models/subjects';
import { MAX_DECODER_BYTES } from '../questions/decoder-cache';

type Part = 'reads' | 'draws';
type Sizes = Pick<DecodeShape, 'batch' | 'question' | 'capacity'>;

interface Kept {
  readonly model: LoadedModel;
  readonly shape: string;
  readonly decoder: Decoder;
}

/** Bytes that states may take together: what is usual, or what those of one text need. */
const keptBytes = (needed = 0): number => Math.max(MAX_STATE_BYTES, needed);

/**
 * The decoders of text generation: one reads a prompt, the other draws tokens for all samples. They are kept
 * for the next call, unless their programs hold much memory, as they do with weights baked in.
 */
export class GenerationDecoders {
  private readonly kept = new Map<Part, Kept>();

  /**
   * The decoder of that part, which replaces one of another model or shape. Ownership stays here.
   * @param sizes with the bytes that its states take together, if they may be more than usual
   */
  async take(
    part: Part,
    models: DeviceModels,
    { model, parameters, reasoning }: Pick<ResolvedSubject, 'model' | 'parameters' | 'reasoning'>,
    { stateBytes, ...sizes }: Sizes & { readonly stateBytes?: number },
    values: readonly DeviceTensor[],
  ): Promise<Decoder> {
    const { adapters } = explicitly(reasoning);
    const shape = JSON.stringify([{ parameters, adapters }, sizes]);
    const known = this.kept.get(part);
    if (known?.model === model && known.shape === shape) {
      known.decoder.setParameters(values);
      return known.decoder;
    }
    await this.leave(part);
    const decoder = await this.make(models, model, { ...sizes, parameters, adapters }, stateBytes);
    decoder.setParameters(values);
    this.kept.set(part, { model, shape, decoder });
    return decoder;
  }

  /**
   * Replaces the drawing decoder by one of other sizes, and frees the old one once `move` has moved its
   * state.
   */
  async grow<T>(
    { capacity, stateBytes }: { readonly capacity: number; readonly stateBytes: number },
    values: readonly DeviceTensor[],
    move: (decoder: Decoder) => Promise<T>,
  ): Promise<T> {
    const { model, decoder: before } = this.kept.get('draws') as Kept;
    const { batch, question, parameters, adapters } = before.shape;
    const decoder = new Decoder(before.model, { ...before.shape, capacity }, keptBytes(stateBytes));
    decoder.setParameters(values);
    const moved = await move(decoder);
    await this.leave('draws');
    const sizes: Sizes = { batch, question, capacity };
    this.kept.set('draws', { model, shape: JSON.stringify([{ parameters, adapters }, sizes]), decoder });
    return moved;
  }

  /** Frees those parts that hold much memory. */
  async leaveIfLarge(...parts: readonly Part[]): Promise<void> {
    for (const part of parts)
      if ((this.kept.get(part)?.decoder.bytes ?? 0) > MAX_DECODER_BYTES) await this.leave(part);
  }

  /** Frees everything, or what was made from one model. */
  async drop(model?: LoadedModel): Promise<void> {
    for (const [part, kept] of [...this.kept])
      if (model === undefined || kept.model === model) await this.leave(part);
  }

  private async leave(part: Part): Promise<void> {
    const kept = this.kept.get(part);
    this.kept.delete(part);
    await kept?.decoder.dispose();
  }

  private async make(
    models: DeviceModels,
    model: LoadedModel,
    shape: Omit<DecodeShape, 'config'>,
    stateBytes: number | undefined,
  ): Promise<Decoder> {
    const used = models.use(model);
    try {
      return new Decoder(used, { config: used.config, ...shape }, keptBytes(stateBytes));
    } finally {
      await used.release();
    }
  }
}
