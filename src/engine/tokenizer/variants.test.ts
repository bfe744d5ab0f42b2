import { describe, expect, it } from 'vitest';
import { hasFile, readJson } from '../../../scripts/tools/files';
import questions from './questions.golden.json';
import qwen from './testing/qwen-cut.json';
import sentencepiece from './testing/sentencepiece.json';
import smollm from './testing/smollm-cut.json';
import { loadTokenizer } from './tokenizer';
import variants from './variants.golden.json';

const bases = { 'qwen-cut': qwen, 'smollm-cut': smollm, sentencepiece } as const;
type Row = readonly [number[], number[] | null, string | null];
interface Variant {
  readonly base: keyof typeof bases;
  readonly patch: { readonly set?: object; readonly model?: object; readonly add?: readonly object[] };
  readonly rows: readonly Row[];
}
const { texts, ...named } = variants;

/** The small tokenizer `base` with a variant's pieces. */
function fileOf({ base, patch }: Pick<Variant, 'base' | 'patch'>) {
  const file = bases[base];
  return {
    ...file,
    ...patch.set,
    model: { ...file.model, ...patch.model },
    added_tokens: [...file.added_tokens, ...(patch.add ?? [])],
  };
}

// Expected values by the Rust library: scripts/goldens/tokenizer/reference.py.
describe.each(Object.entries(named) as unknown as [string, Variant][])('case 08: %s', (_name, variant) => {
  it('gives the ids and texts of the reference implementation', async () => {
    const t = await loadTokenizer(fileOf(variant), {});
    for (const [i, text] of texts.entries()) {
      const [ids, plain, back] = variant.rows[i] as Row;
      expect.soft(t.encode(text), text).toEqual(ids);
      expect.soft(t.encode(text, { addSpecialTokens: false }), text).toEqual(plain ?? ids);
      expect.soft(t.decode(plain ?? ids, { skipSpecialTokens: false }), text).toBe(back ?? text);
    }
  });
});

// Expected values by an independent byte-level BPE: scripts/goldens/tokenizer/questions.py.
it.each(['qwen-cut', 'smollm-cut'] as const)(
  '%s: ids of questions, also by an independent BPE',
  async (name) => {
    const t = await loadTokenizer(bases[name], {});
    for (const [i, question] of questions.questions.entries())
      expect.soft(t.encode(question), question).toEqual(questions[name][i]);
  },
);

/** The same of whole vocabularies, where ../shared is: 26 variants of three tokenizers on 22 texts each. */
interface Gold {
  readonly texts: readonly string[];
  readonly patches: Readonly<
    Record<string, { base: keyof typeof FOLDERS; set: object; model: object; add: readonly object[] }>
  >;
  readonly rows: Readonly<Record<string, readonly { ids: number[]; plain: number[]; text: string }[]>>;
}
const FOLDERS = {
  'qwen2.5': 'tokenizers/qwen2.5',
  smollm2: 'tokenizers/smollm2',
  stories260K: 'checkpoints/stories260K',
} as const;
const GOLD = 'cases/08-tokenizer-parity.gold.json';

describe.skipIf(!(await hasFile('shared', GOLD)))('case 08: whole vocabularies of ../shared', async () => {
  const gold = await readJson<Gold>('shared', GOLD);
  it('are 26 variants and 572 texts', () => {
    const all = Object.values(gold.rows);
    expect([all.length, all.flat().length]).toEqual([26, 572]);
  });

  it.each(Object.keys(gold.rows))('%s', async (name) => {
    const { base, set, model, add } = gold.patches[name] as Gold['patches'][string];
    const file = await readJson<typeof qwen>('shared', `${FOLDERS[base]}/tokenizer.json`);
    const t = await loadTokenizer(
      {
        ...{ ...file, ...set },
        model: { ...file.model, ...model },
        added_tokens: [...file.added_tokens, ...add],
      },
      {},
    );
    for (const [i, text] of gold.texts.entries()) {
      const row = gold.rows[name]?.[i];
      expect.soft(t.encode(text), text).toEqual(row?.ids);
      expect.soft(t.encode(text, { addSpecialTokens: false }), text).toEqual(row?.plain);
      expect.soft(t.decode(row?.plain ?? [], { skipSpecialTokens: false }), text).toBe(row?.text);
    }
  });
});
