import { ModelOnDevice } from '../../model/model-on-device';
import type { Runtime } from '../../runtime/runtime';
import { OnnxRunners } from './onnx-runners';
import type { LoadedModel } from './pair';

/**
 * The loaded models on one runtime, each once, however many use it: weights stay for the next user until the model is
 * closed, and are then freed with its last user.
 */
export class DeviceModels {
  private readonly made = new Map<LoadedModel, ModelOnDevice>();
  private readonly closed = new WeakSet<LoadedModel>();

  /** The ONNX exports among them. */
  readonly onnx: OnnxRunners;

  constructor(readonly runtime: Runtime) {
    this.onnx = new OnnxRunners(runtime);
  }

  /** The model, for another user, who must release it. */
  use(model: LoadedModel): ModelOnDevice {
    const known = this.made.get(model);
    if (known) return known.retain();
    const made = new ModelOnDevice(this.runtime, model.config, model.weights);
    // Closed while a call in progress still uses it: only that call holds it.
    if (this.closed.has(model)) return made;
    this.made.set(model, made);
    return made.retain();
  }

  /** Its configuration on the device, which may have the vocabulary in chunks. */
  configOf(model: LoadedModel): ModelOnDevice['config'] {
    const used = this.use(model);
    const { config } = used;
    // It made nothing here whose disposal would have to be awaited.
    void used.release();
    return config;
  }

  /** How often the model's weights were uploaded to the device; undefined if never. */
  traffic(model: LoadedModel): ModelOnDevice['traffic'] | undefined {
    return this.made.get(model)?.traffic;
  }

  /** Closes the model: its memory on the device is freed with its last user, at once if there is none. */
  async close(model: LoadedModel): Promise<void> {
    if (model.onnx) return this.onnx.close(model.onnx);
    this.closed.add(model);
    await this.free(model);
  }

  /** Frees the model's memory on the device with its last user; the next one loads it again. */
  async free(model: LoadedModel): Promise<void> {
    const made = this.made.get(model);
    this.made.delete(model);
    await made?.release();
  }

  async dispose(): Promise<void> {
    const all = [...this.made.values()];
    this.made.clear();
    await Promise.all([...all.map((model) => model.release()), this.onnx.dispose()]);
  }
}
