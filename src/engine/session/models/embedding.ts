import { embeddingRows } from '../../model/fed-embeddings';
import type { ModelOnDevice } from '../../model/model-on-device';
import type { EmbeddingRows } from '../../nn/parameters';

/** A model's input embedding, read row by row from where its weights are stored. */
export const embeddingOf = ({ source, config }: ModelOnDevice): EmbeddingRows => ({
  count: config.vocabSize,
  rows: (ids) => embeddingRows(source, ids).data,
});
