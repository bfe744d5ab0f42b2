import { BUG, RuntimeError } from '../../base/errors';
import { sizeOf } from '../../base/shape';
import type { DecoderConfig } from '../../nn/config';
import { parameterShapes } from '../../nn/parameter-set';
import { BASE, type ParameterSpecs } from '../../nn/parameters';
import { OUTER_PREFIX, packedWeights } from '../../nn/weight-parts';
import type { WeightSource } from '../../nn/weight-source';
import { vocabularyRanges } from '../../nn/weights';

type Packs = readonly Float32Array<ArrayBuffer>[];

/**
 * The configuration with its vocabulary in the chunks of a student's values: embedding and head are split if
 * a device could not bind them whole, and the first of the trained weights is the first chunk of the
 * embedding.
 */
export function configOfPacks(
  config: DecoderConfig,
  parameters: ParameterSpecs,
  packs: Packs,
): DecoderConfig {
  if (!parameters.weights) return config;
  const { weights: _, ...beside } = parameters;
  const first = packs[parameterShapes(config, beside).length];
  const rows = (first?.length ?? 0) / config.hiddenSize;
  return rows > 0 && rows < config.vocabSize ? { ...config, vocabularyRows: rows } : config;
}

/**
 * The weights of a student that trained all of them, in float32, under the names of the model's own.
 * @param config as `configOfPacks` gives it @param values returns a parameter's values by name
 */
export function trainedSource(
  config: DecoderConfig,
  values: (name: string) => Float32Array<ArrayBuffer>,
): WeightSource {
  const ranges = vocabularyRanges(config);
  const packed = packedWeights(config);
  const tensors = new Map([...packed].map(([name, { shape }]) => [name, { dtype: 'f32' as const, shape }]));
  return {
    tensors,
    read(name, from = 0, to) {
      const shape = tensors.get(name)?.shape;
      if (!shape) throw new RuntimeError(`there is no weight "${name}"`, BUG);
      const [rows, ...rest] = shape as [number, ...number[]];
      const width = sizeOf(rest);
      const end = to ?? rows;
      const own = BASE + name.slice(OUTER_PREFIX.length);
      const isSplit = ranges.length > 1 && /^w\.(embedding|head)$/.test(name);
      if (!isSplit)
        return {
          ...{ dtype: 'f32', shape: [end - from, ...rest] },
          data: values(own).subarray(from * width, end * width),
        };
      const data = new Float32Array((end - from) * width);
      ranges.forEach((range, c) => {
        const [begin, last] = [Math.max(from, range.from), Math.min(end, range.to)];
        if (begin >= last) return;
        const rowsOf = values(`${own}.${c}`).subarray(
          (begin - range.from) * width,
          (last - range.from) * width,
        );
        data.set(rowsOf, (begin - from) * width);
      });
      return { dtype: 'f32', shape: [end - from, ...rest], data };
    },
  };
}
