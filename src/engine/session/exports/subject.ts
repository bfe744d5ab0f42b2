import type { AdapterSpec, RemSpec } from '../../nn/attachments';
import type { LoraSpec } from '../../nn/lora';
import { loraFactors, type ModuleFactors } from '../../nn/lora-factors';
import { remFactors } from '../../nn/merge-rem';
import { type Overlay, overlaidSource } from '../../nn/overlay';
import { parameterShapes } from '../../nn/parameter-set';
import { type ParameterSpecs, packName } from '../../nn/parameters';
import type { WeightSource } from '../../nn/weight-source';
import type { LoadedModel } from '../models/pair';
import type { ResolvedSubject } from '../models/subjects';
import { configOfPacks, trainedSource } from './trained-weights';

/** The parts of a subject that are exported. */
export interface Exported {
  readonly model: LoadedModel;
  /** The model's weights, all of them, if they were trained themselves. */
  readonly weights?: WeightSource | undefined;
  /** The LoRA adapters that run, in order. */
  readonly adapters: readonly RunningAdapter[];
  /** Reasoning evolvement modules (DART) that run. */
  readonly rems: readonly RunningRem[];
  /** Trained tensors outside the layers. */
  readonly modules: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array<ArrayBuffer>;
  }[];
  /** Adapters that were trained but do not run while it reasons and answers. */
  readonly idle: readonly string[];
}

export interface RunningAdapter {
  readonly name: string;
  readonly spec: LoraSpec;
  readonly factors: readonly ModuleFactors[];
}

export interface RunningRem {
  readonly name: string;
  readonly spec: RemSpec;
  /** One per layer. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

export function exportedOf({
  model,
  parameters,
  packs,
  reasoning,
}: Pick<ResolvedSubject, 'model' | 'parameters' | 'packs' | 'reasoning'>): Exported {
  const { config } = model;
  const values = valuesOf(model, parameters, packs);
  const active = reasoning.adapters.filter((name) => Object.hasOwn(parameters.adapters, name));
  const running = active.map((name) => ({
    name,
    spec: parameters.adapters[name] as AdapterSpec,
    packs: Array.from({ length: model.config.layers }, (_, i) => values(packName(name, i))),
  }));
  return {
    model,
    ...(parameters.weights && { weights: trainedSource(configOfPacks(config, parameters, packs), values) }),
    adapters: running.flatMap(({ name, spec, packs: own }) =>
      spec.kind === 'lora' ? [{ name, spec, factors: loraFactors(model.config, spec, own) }] : [],
    ),
    rems: running.flatMap(({ spec, ...rest }) => (spec.kind === 'rem' ? [{ ...rest, spec }] : [])),
    modules: parameters.modules.map(({ name, shape }) => ({ name, shape, values: values(name) })),
    idle: Object.keys(parameters.adapters).filter((name) => !active.includes(name)),
  };
}

function valuesOf(
  { config }: LoadedModel,
  parameters: ParameterSpecs,
  packs: readonly Float32Array<ArrayBuffer>[],
): (name: string) => Float32Array<ArrayBuffer> {
  const own = configOfPacks(config, parameters, packs);
  const names = parameterShapes(own, parameters).map(({ name }) => name);
  return (name) => packs[names.indexOf(name)] as Float32Array<ArrayBuffer>;
}

/** The model's weights, or those trained in their place, with its adapters merged. */
export function mergedSource({ model, weights = model.weights, adapters, rems }: Exported): WeightSource {
  const overlays = new Map<string, Overlay[]>();
  const add = (target: string, overlay: Overlay): void => {
    overlays.set(target, [...(overlays.get(target) ?? []), overlay]);
  };
  for (const { factors } of adapters)
    for (const { target, rank, alpha, a, in: width, b, out } of factors) {
      const rows =
        (data: Float32Array<ArrayBuffer>, count: number, columns: number) =>
        (from = 0, to = count) => ({
          dtype: 'f32' as const,
          shape: [to - from, columns],
          data: data.subarray(from * columns, to * columns),
        });
      add(target, { kind: 'lora', a: rows(a, rank, width), b: rows(b, out, rank), scale: alpha / rank });
    }
  // A module comes before the linear and its LoRA: (W + ΔW)·(I + s·W₂W₁ᵀ).
  for (const { spec, packs } of rems)
    for (const { target, ...factors } of remFactors(model.config, spec, packs))
      add(target, { kind: 'rem', ...factors });
  if (overlays.size === 0) return weights;
  return overlaidSource(model.config, weights, overlays);
}
