/** Whether a text gets a BOS and an EOS: what transformers does with tokenizer.json and tokenizer_config.json together. */

import type { Json } from './added-token';
import type { TokenizerConfig } from './config';
import { around, postProcessor } from './post-process';

export interface SpecialTokens {
  /** The post-processor to use. */
  readonly step: Json | null;
  readonly notes: readonly string[];
}

/** LLaMA's own classes rebuild the post-processor from the configuration; all others leave tokenizer.json's alone. */
export const REBUILDS = /^(Code)?LlamaTokenizer(Fast)?$/;

export function specialTokens(
  step: Json | null,
  config: TokenizerConfig,
  ids: ReadonlyMap<string, number>,
): SpecialTokens {
  const { named, addBos, addEos, tokenizerClass = '' } = config;
  const bos = ids.get(named.get('bos_token') ?? '');
  const eos = ids.get(named.get('eos_token') ?? '');
  const TEXT = -1;
  const added = postProcessor(step)([TEXT]);
  const file = {
    bos: bos !== undefined && added.indexOf(bos) >= 0 && added.indexOf(bos) < added.indexOf(TEXT),
    eos: eos !== undefined && added.lastIndexOf(eos) > added.indexOf(TEXT),
  };
  if (!REBUILDS.test(tokenizerClass)) return { step, notes: disagreements(config, file, added.length > 1) };
  const isAsked = { bos: addBos ?? true, eos: addEos ?? false };
  if (addBos === undefined && addEos === undefined && added.length > 1) return { step, notes: [] };
  const before = isAsked.bos ? bos : undefined;
  const after = isAsked.eos ? eos : undefined;
  const wanted = [before, TEXT, after].filter((id) => id !== undefined);
  // A token that is asked for and not named cannot be added by the class either, which refuses such files.
  const isNamed = wanted.length === 1 + Number(isAsked.bos) + Number(isAsked.eos);
  if (!isNamed || wanted.join() === added.join()) return { step, notes: [] };
  const what = (some: typeof file): string =>
    [some.bos && 'BOS', some.eos && 'EOS'].filter(Boolean).join(' and ') || 'neither BOS nor EOS';
  const byFile = added.length === 1 + Number(file.bos) + Number(file.eos) ? what(file) : 'other tokens';
  return {
    step: around(before, after),
    notes: [
      `A text gets ${what(isAsked)}, as ${tokenizerClass} does by tokenizer_config.json; by tokenizer.json it would get ${byFile}.`,
    ],
  };
}

/** Notes where the configuration asks for something that tokenizer.json does not do. */
function disagreements(
  { addBos, addEos }: TokenizerConfig,
  file: { readonly bos: boolean; readonly eos: boolean },
  adds: boolean,
): string[] {
  const fields = [
    { name: 'add_bos_token', asked: addBos, done: file.bos, token: 'BOS' },
    { name: 'add_eos_token', asked: addEos, done: file.eos, token: 'EOS' },
  ];
  return fields
    .filter(({ asked, done }) => asked !== undefined && asked !== done && (asked || adds))
    .map(
      ({ name, asked, done, token }) =>
        `tokenizer_config.json sets ${name} to ${asked}, but tokenizer.json ${done ? 'adds' : 'does not add'} ${token}, and tokenizer.json takes precedence, as in transformers.`,
    );
}
