/**
 * Tensors that lie in a checkpoint's files and are not read. Some are harmless; others are part of the network, and hidden
 * states computed without them would be wrong in silence.
 */
import { listed } from '../../text/quote';
import { FileError } from '../base/errors';
import { quote } from './json';

/** Buffers that older files store and every reader computes itself. */
const BUFFERS = /\.(rotary_emb\.inv_freq|attn\.masked_bias|position_ids)$/;
/** LoRA and other adapters, unmerged. */
const ADAPTERS = /(^|[._])(lora_|ia3_|adapter)/i;
const BODY = /^model\./;

/**
 * What is said of `names`, a sentence each. `tied`: config.json ties the head to the embedding.
 * @throws FileError for a tensor that would change the hidden states
 */
export function notesOnLeftovers(names: readonly string[], tied: boolean): string[] {
  const others = names.filter((name) => !BUFFERS.test(name));
  const adapter = others.find((name) => ADAPTERS.test(name));
  if (adapter !== undefined)
    throw new FileError(
      `the weights hold an adapter that is not merged (${quote(adapter)})`,
      'Merge the adapter into the weights (merge_and_unload in PEFT), and open the merged checkpoint.',
    );
  const body = others.filter((name) => BODY.test(name));
  if (body.length > 0)
    throw new FileError(
      `the weights hold ${body.length} tensors of the network that config.json does not name: ${listed(body.map(quote), 3)}`,
      body.some((name) => name.endsWith('.bias'))
        ? 'Set attention_bias or mlp_bias in config.json to true if the model has biases, or open the checkpoint with its own config.json.'
        : 'Open the weights with their own config.json; if it is this one, the architecture is not supported.',
    );
  return others.map((name) =>
    name === 'lm_head.weight' && tied
      ? 'lm_head.weight is left aside: config.json ties the head to the embedding (tie_word_embeddings).'
      : `${quote(name)} is not part of the decoder and is left aside.`,
  );
}
