import { BUG, ConfigError } from '../base/errors';
import type { Rng } from '../base/rng';
import { type Shape, sizeOf } from '../base/shape';
import { type AdapterSpec, freshPack, packLength } from './attachments';
import type { DecoderConfig } from './config';
import {
  BASE,
  type InitialWeights,
  type ModuleParameter,
  type ParameterSpecs,
  packName,
  type TensorSpec,
  weightSpecs,
} from './parameters';
import { withOwnWeights } from './stack';
import { OUTER_PREFIX } from './weights';

/** One trained tensor, as the optimiser, clipping, checkpoints and export see it. Stored in f32. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies; false for norms and biases. */
  readonly decay: boolean;
  /** Multiplies the learning rate. */
  readonly rateFactor: number;
  /** Initial values. */
  initial(rng: Rng, model?: InitialWeights): Float32Array<ArrayBuffer>;
}

/**
 * Everything a run trains, in a fixed order: each adapter's pack of layer 0…L−1, `{adapter}.{i}`, then the modules', then, if
 * they are trained too, the model's own weights, `base.{name}`.
 */
export class ParameterSet implements ParameterSpecs {
  readonly all: readonly Parameter[];
  readonly modules: readonly TensorSpec[];
  readonly config: DecoderConfig;

  /** @param modules without `initial` where their values are known, as those of a student that has been trained */
  constructor(
    config: DecoderConfig,
    /** By name; each has one pack per layer. */
    readonly adapters: Readonly<Record<string, AdapterSpec>>,
    modules: readonly (ModuleParameter | TensorSpec)[] = [],
    readonly weights?: ParameterSpecs['weights'],
  ) {
    if (weights === 'alone' && Object.keys(adapters).length > 0)
      throw new ConfigError(
        `the model’s own weights are trained in place of adapters, and there are ${Object.keys(adapters).join(', ')}`,
        BUG,
      );
    this.modules = modules;
    this.config = withOwnWeights(config, { adapters, modules, weights });
    const own = weights
      ? weightSpecs(config).map((spec) => ({ ...spec, initial: initialWeight(spec.name) }))
      : [];
    const packs = Object.entries(adapters).flatMap(([adapter, spec]) =>
      Array.from({ length: config.layers }, (_, i) => ({
        name: packName(adapter, i),
        shape: [packLength(config, spec)],
        decay: true,
        rateFactor: 1,
        initial: (rng: Rng) => freshPack(config, spec, rng),
      })),
    );
    this.all = [
      ...packs,
      ...[...modules, ...own].map((one) => ({
        ...{ decay: true, rateFactor: 1, initial: unknownValues(one.name) },
        ...one,
      })),
    ];
    const twice = this.all.find(({ name }, i) => this.index(name) !== i);
    if (twice)
      throw new ConfigError(`two parameters are named "${twice.name}"`, 'Give each a name of its own.');
  }

  /** Position of a parameter. @throws ConfigError if there is none of that name */
  index(name: string): number {
    const found = this.all.findIndex((parameter) => parameter.name === name);
    if (found < 0)
      throw new ConfigError(
        `there is no parameter "${name}"; there are ${this.all.map((p) => p.name).join(', ')}`,
        'Declare it with the recipe’s modules or adapters.',
      );
    return found;
  }

  shape(name: string): Shape {
    return (this.all[this.index(name)] as Parameter).shape;
  }

  /** Total number of trained values; fixed ones, at a rate of 0, are not counted. */
  get size(): number {
    return this.all.reduce((sum, { shape, rateFactor }) => sum + (rateFactor > 0 ? sizeOf(shape) : 0), 0);
  }

  /** Groups of the optimiser, in the parameters' order. @param moduleRate multiplies the rate of modules */
  groups(moduleRate: number): Pick<Parameter, 'decay' | 'rateFactor'>[] {
    const modules = new Set(this.modules.map(({ name }) => name));
    return this.all.map(({ name, decay, rateFactor }) => ({
      decay,
      rateFactor: modules.has(name) ? rateFactor * moduleRate : rateFactor,
    }));
  }

  /** The set as plain data, from which it can be made again: `new ParameterSet(config, specs.adapters, specs.modules, specs.weights)`. */
  get specs(): ParameterSpecs {
    const modules = this.modules.map(({ name, shape, decay = true, rateFactor = 1 }) => ({
      ...{ name, shape, decay, rateFactor },
    }));
    return { adapters: this.adapters, modules, ...(this.weights && { weights: this.weights }) };
  }

  /** Initial values of every parameter, each drawn from its own stream. @param model for added tokens and its own weights */
  initial(rng: Rng, model?: InitialWeights): Float32Array<ArrayBuffer>[] {
    return this.all.map(({ name, initial }) => initial(rng.fork(name), model));
  }
}

/** The model's own value of a trained weight. */
const initialWeight =
  (name: string) =>
  (_rng: Rng, model?: InitialWeights): Float32Array<ArrayBuffer> => {
    if (!model) throw new ConfigError(`the parameter "${name}" starts as the model’s own`, BUG);
    return model.weight(OUTER_PREFIX + name.slice(BASE.length));
  };

const unknownValues = (name: string) => (): never => {
  throw new ConfigError(`the parameter "${name}" has no initial values`, BUG);
};

/**
 * Names and shapes of all values, in the order in which they are kept.
 * @param config as the model is on the device, where its vocabulary may be in chunks
 */
export const parameterShapes = (
  config: DecoderConfig,
  { adapters, modules, weights }: ParameterSpecs,
): readonly { readonly name: string; readonly shape: Shape }[] =>
  new ParameterSet(config, adapters, modules, weights).all;
