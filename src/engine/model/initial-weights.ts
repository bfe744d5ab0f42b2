import { BUG, RuntimeError } from '../base/errors';
import { floatsOf } from '../base/half';
import type { InitialWeights } from '../nn/parameters';
import { vocabularyChunk } from '../nn/weights';
import { embeddingRows } from './fed-embeddings';
import type { ModelOnDevice } from './model-on-device';

/** A model's weights, read from where they are stored. */
export const initialWeights = ({ source, config }: ModelOnDevice): InitialWeights => ({
  count: config.vocabSize,
  rows: (ids) => embeddingRows(source, ids).data,
  weight: (name) => {
    const chunk = vocabularyChunk(config, name);
    if (!chunk && !source.tensors.has(name)) throw new RuntimeError(`there is no weight "${name}"`, BUG);
    return floatsOf(chunk ? source.read(chunk.name, chunk.from, chunk.to) : source.read(name)).slice();
  },
});
