import { BUG, ConfigError } from '../base/errors';
import type { Rng } from '../base/rng';
import type { Shape } from '../base/shape';
import type { Graph, Tensor } from '../graph/graph';
import { type AdapterSpec, type Attachments, attachPack, joinAttachments, packLength } from './attachments';
import type { DecoderConfig } from './config';
import { weightShapes } from './weights';

/** A trained tensor outside the layers, such as a projection's weight: what must be known to run it and to train it on. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies; default true, false for norms and biases. */
  readonly decay?: boolean;
  /** Multiplies the learning rate; default 1. */
  readonly rateFactor?: number;
}

/** Rows of the model's input embedding, from which those of added tokens are initialised. */
export interface EmbeddingRows {
  /** V */
  readonly count: number;
  /** [ids, H] */
  rows(ids: readonly number[]): Float32Array<ArrayBuffer>;
}

/** A model's weights as they are before a run. */
export interface InitialWeights extends EmbeddingRows {
  /** A tensor by the name of a program's input: `w.0.qkv`, `w.embedding.1`. */
  weight(name: string): Float32Array<ArrayBuffer>;
}

/** A `TensorSpec` with its initial values. */
export interface ModuleParameter extends TensorSpec {
  /** @throws ConfigError if it needs the embedding and there is none */
  initial(rng: Rng, embedding?: EmbeddingRows): Float32Array<ArrayBuffer>;
}

/**
 * Everything that is trained beside a model's own weights, as plain data: it says how the values are run, and in which
 * order they are kept (`ParameterSet`).
 */
export interface ParameterSpecs {
  /** By name; each has one pack per layer. */
  readonly adapters: Readonly<Record<string, AdapterSpec>>;
  readonly modules: readonly TensorSpec[];
  /**
   * Whether the model's own weights are trained, all of them, as `base.{name}`: `all`, beside the adapters, or `alone`, in their
   * place: nothing is attached then, whichever adapter a segment names.
   */
  readonly weights?: 'all' | 'alone' | undefined;
}

/** Prefix of the names of trained weights. */
export const BASE = 'base.';

/** The model's own weights as trained tensors; norms and biases do not decay. */
export const weightSpecs = (config: DecoderConfig): TensorSpec[] =>
  weightShapes(config).map(({ name, shape }) => ({
    name: BASE + name,
    shape,
    decay: shape.length > 1,
  }));

export const NO_PARAMETERS: ParameterSpecs = { adapters: {}, modules: [] };

/** Name of the parameter that is an adapter's pack for layer i. */
export const packName = (adapter: string, i: number): string => `${adapter}.${i}`;

/** Of the adapters that are named, those that there are to attach: none where the model's own weights are trained in their place. */
export const attached = (named: readonly string[], weights: ParameterSpecs['weights']): readonly string[] =>
  weights === 'alone' ? [] : named;

/** The input of a program that takes a parameter's value. */
export const parameterInput = (name: string): string => `parameter.${name}`;

/** The value of a parameter in a graph. */
export type ParameterOf = (name: string) => Tensor;

/** The modules' tensors as inputs of a graph. */
export const moduleInputs =
  (graph: Graph, { modules }: ParameterSpecs): ParameterOf =>
  (name) => {
    const found = modules.find((module) => module.name === name);
    if (!found)
      throw new ConfigError(
        `there is no parameter "${name}"; there are ${modules.map((one) => one.name).join(', ') || 'none'}`,
        BUG,
      );
    return graph.input(parameterInput(name), found.shape);
  };

/**
 * What the adapters of these names, in this order, attach to each layer.
 * @throws ConfigError for an adapter that there is not
 */
export function adapterInputs(
  graph: Graph,
  config: DecoderConfig,
  { adapters, weights }: ParameterSpecs,
  named: readonly string[],
): Attachments[] {
  const active = attached(named, weights);
  const known = Object.keys(adapters);
  const missing = active.find((name) => !known.includes(name));
  if (missing !== undefined)
    throw new ConfigError(
      `the adapter "${missing}" is to run; there are ${known.join(', ') || 'none'}`,
      'Name one of the adapters that were trained.',
    );
  if (active.length === 0) return [];
  return Array.from({ length: config.layers }, (_, i) =>
    joinAttachments(
      active.map((name) => {
        const spec = adapters[name] as AdapterSpec;
        const input = parameterInput(packName(name, i));
        return graph.scope(input, () => {
          const packed = graph.input(input, [packLength(config, spec)]);
          return attachPack(graph, config, spec, packed).attachments;
        });
      }),
    ),
  );
}
