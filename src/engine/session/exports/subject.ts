import { ConfigError } from '../../base/errors';
import type { AdapterSpec } from '../../nn/attachments';
import type { LoraSpec } from '../../nn/lora';
import { loraFactors, type ModuleFactors } from '../../nn/lora-factors';
import { type Overlay, overlaidSource } from '../../nn/overlay';
import { type ParameterSpecs, packName, parameterShapes } from '../../nn/parameters';
import type { WeightSource } from '../../nn/weight-source';
import type { LoadedModel } from '../models/pair';
import type { ResolvedSubject } from '../models/subjects';

/** What is exported of a subject. */
export interface Exported {
  readonly model: LoadedModel;
  /** The LoRA adapters that run, in order. */
  readonly adapters: readonly RunningAdapter[];
  /** Trained tensors outside the layers. */
  readonly modules: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array<ArrayBuffer>;
  }[];
  /** Adapters that were trained and do not run while it reasons and answers. */
  readonly idle: readonly string[];
}

export interface RunningAdapter {
  readonly name: string;
  readonly spec: LoraSpec;
  readonly factors: readonly ModuleFactors[];
}

/**
 * @param format said in the message
 * @throws ConfigError for an adapter that is not LoRA: its change of the network is no change of weights that the format holds
 */
export function exportedOf(
  { model, parameters, packs, reasoning }: ResolvedSubject,
  format: string,
): Exported {
  const values = valuesOf(model, parameters, packs);
  const active = reasoning.adapters.filter((name) => Object.hasOwn(parameters.adapters, name));
  return {
    model,
    adapters: active.map((name) => {
      const spec = parameters.adapters[name] as AdapterSpec;
      if (spec.kind !== 'lora')
        throw new ConfigError(
          `the student’s adapter "${name}" is a reasoning evolvement module (DART), which ${format} cannot hold`,
          'Export the run bundle instead: it holds everything that was trained.',
        );
      const own = Array.from({ length: model.config.layers }, (_, i) => values(packName(name, i)));
      return { name, spec, factors: loraFactors(model.config, spec, own) };
    }),
    modules: parameters.modules.map(({ name, shape }) => ({ name, shape, values: values(name) })),
    idle: Object.keys(parameters.adapters).filter((name) => !active.includes(name)),
  };
}

function valuesOf(
  { config }: LoadedModel,
  parameters: ParameterSpecs,
  packs: readonly Float32Array<ArrayBuffer>[],
): (name: string) => Float32Array<ArrayBuffer> {
  const names = parameterShapes(config, parameters).map(({ name }) => name);
  return (name) => packs[names.indexOf(name)] as Float32Array<ArrayBuffer>;
}

/** The model's weights with its adapters merged. */
export function mergedSource({ model, adapters }: Exported): WeightSource {
  const overlays = new Map<string, Overlay[]>();
  for (const { factors } of adapters)
    for (const { target, rank, alpha, a, in: width, b, out } of factors) {
      const rows =
        (data: Float32Array<ArrayBuffer>, count: number, columns: number) =>
        (from = 0, to = count) => ({
          dtype: 'f32' as const,
          shape: [to - from, columns],
          data: data.subarray(from * columns, to * columns),
        });
      overlays.set(target, [
        ...(overlays.get(target) ?? []),
        { kind: 'lora', a: rows(a, rank, width), b: rows(b, out, rank), scale: alpha / rank },
      ]);
    }
  if (overlays.size === 0) return model.weights;
  return overlaidSource(model.config, model.weights, overlays);
}
