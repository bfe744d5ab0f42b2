import { ConfigError } from '../base/errors';
import type { Rng } from '../base/rng';
import { type Shape, sizeOf } from '../base/shape';
import { type AdapterSpec, freshPack, packLength } from '../nn/attachments';
import type { DecoderConfig } from '../nn/config';

/** One trained tensor, as the optimiser, clipping, checkpoints and export see it. Stored in f32. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies; false for norms and biases. */
  readonly decay: boolean;
  /** Multiplies the learning rate. */
  readonly rateFactor: number;
  /** Initial values. */
  initial(rng: Rng): Float32Array<ArrayBuffer>;
}

/** A tensor of a module other than the layers' adapters, such as a projection's weight. */
export type ModuleParameter = Pick<Parameter, 'name' | 'shape' | 'initial'> & Partial<Parameter>;

/** Everything a run trains, in a fixed order: each adapter's pack of layer 0…L−1, `{adapter}.{i}`, then the modules'. */
export class ParameterSet {
  readonly all: readonly Parameter[];

  constructor(
    readonly config: DecoderConfig,
    /** By name; each has one pack per layer. */
    readonly adapters: Readonly<Record<string, AdapterSpec>>,
    modules: readonly ModuleParameter[] = [],
  ) {
    const packs = Object.entries(adapters).flatMap(([adapter, spec]) =>
      Array.from({ length: config.layers }, (_, i) => ({
        name: packName(adapter, i),
        shape: [packLength(config, spec)],
        decay: true,
        rateFactor: 1,
        initial: (rng: Rng) => freshPack(config, spec, rng),
      })),
    );
    this.all = [...packs, ...modules.map((own) => ({ decay: true, rateFactor: 1, ...own }))];
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

  /** Total number of trained values. */
  get size(): number {
    return this.all.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  /** Initial values of every parameter, each drawn from its own stream. */
  initial(rng: Rng): Float32Array<ArrayBuffer>[] {
    return this.all.map(({ name, initial }) => initial(rng.fork(name)));
  }
}

/** Name of the parameter that is an adapter's pack for layer i. */
export const packName = (adapter: string, i: number): string => `${adapter}.${i}`;
