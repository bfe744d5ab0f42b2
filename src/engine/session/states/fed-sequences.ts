import { SECTIONS, type Section } from '../../../contract/lens';
import type { TokenSpan } from '../../../contract/span';
import { quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { expectWhole } from '../../base/whole';
import { type RowTokens, tokensOfRow } from '../../data/sets/row-tokens';
import { positionsOf } from '../../decode/reason';
import { skippedIn } from '../../decode/reasoning';
import { checkPositions } from '../models/positions';
import type { ResolvedSubject } from '../models/subjects';
import type { Sequence } from './sequences';

/** What is read in place of the sequences themselves: see the contract's `Control`. */
export type Variant = 'as-is' | 'random-tokens' | 'other-prompt';

/** A sequence as it is fed: tokens, what the subject reasons with, tokens again. Without reasoning all tokens are in `rest`. */
export interface FedSequence {
  readonly id: string;
  readonly about: string;
  readonly question: readonly number[];
  /** Whether the subject's reasoning is fed between question and rest. */
  readonly reasons: boolean;
  readonly rest: readonly number[];
  /** For every fed position, its section, the token's text, and its id if it is in the vocabulary. */
  readonly positions: readonly FedPosition[];
}

export interface FedPosition {
  /** Null for what is fed between question and answer but is not a thought, such as an end-of-thought token. */
  readonly section: Section | null;
  readonly text: string;
  readonly id: number | null;
}

/** Whether a position belongs to one of the sections. */
const isOf = (sections: readonly Section[], { section }: FedPosition): boolean =>
  section !== null && sections.includes(section);

/**
 * A sequence's positions of the sections, or a span of them, with their places in it.
 * @throws InputError for a sequence that is shorter than the span, naming it
 */
export function chosenPositions(
  { id, positions }: Pick<FedSequence, 'id' | 'positions'>,
  sections: readonly Section[],
  span: TokenSpan | null | undefined,
): (FedPosition & { readonly at: number })[] {
  const all = positions.flatMap((position, at) => (isOf(sections, position) ? [{ ...position, at }] : []));
  if (!span) return all;
  if (all.length < (span.last ?? span.first))
    throw new InputError(
      `${id} has ${all.length} ${all.length === 1 ? 'token' : 'tokens'} in ${sections.join(', ')}; those from ${span.first} to ${span.last ?? 'the end'} are requested`,
      'Choose a span that every sequence has, or other sequences.',
    );
  return all.slice(span.first - 1, span.last ?? undefined);
}

/** @throws InputError for a span that is none */
export function checkedSpan(span: TokenSpan | null | undefined): TokenSpan | null {
  if (!span) return null;
  expectWhole('first token', span.first, 1, MAX_TOKENS);
  if (span.last !== null) expectWhole('last token', span.last, span.first, MAX_TOKENS);
  return span;
}

/** Of a span; no model has as many positions. */
const MAX_TOKENS = 1e9;

/** What of the sequences is fed. */
export interface FedOptions {
  readonly variant?: Variant | undefined;
  /** Seed of random tokens. */
  readonly seed?: number | undefined;
  /** Of each sequence's positions in the sections, which are asked for; default all. */
  readonly span?: TokenSpan | null | undefined;
}

/** Without the tokens after the last position that is asked for: in a causal model they change nothing before them. */
function upTo(
  span: TokenSpan | null | undefined,
  sections: readonly Section[],
  fed: FedSequence,
): FedSequence {
  const last = chosenPositions(fed, sections, span).at(-1)?.at ?? fed.positions.length - 1;
  const after = Math.min(fed.rest.length, fed.positions.length - 1 - last);
  return {
    ...fed,
    rest: fed.rest.slice(0, fed.rest.length - after),
    positions: fed.positions.slice(0, fed.positions.length - after),
  };
}

/** Tokens of one section, or the reasoning fed instead of tokens. */
interface Part {
  readonly section: Section;
  readonly ids: readonly number[];
  readonly reasons?: boolean;
}

/**
 * What `resolved` is fed to cover all of `sections`, or a span of them, and nothing after it.
 * @throws InputError for sections that the sequences or the subject lack or that need two passes, for a
 * variant that does not apply to them, and for a sequence longer than the model's positions
 */
export function fedSequences(
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  { variant = 'as-is', seed = 0, span = null }: FedOptions = {},
): FedSequence[] {
  checkSections(resolved, sequences, sections);
  if (variant === 'other-prompt') checkOtherPrompt(sequences, sections);
  return sequences.map((sequence, i) => {
    const random =
      variant === 'random-tokens' ? new Rng(seed).fork(`random tokens ${sequence.id}`) : undefined;
    const next = variant === 'other-prompt' ? sequences[(i + 1) % sequences.length] : undefined;
    const parts =
      sequence.text === undefined
        ? problemParts(resolved, sequence, sections, { random, asked: next })
        : textParts(resolved, sequence.text, random);
    const last = Math.max(...sections.map((section) => parts.findIndex((part) => part.section === section)));
    const fed = upTo(span, sections, reading(resolved, sequence, parts.slice(0, last + 1)));
    checkPositions(
      resolved.model,
      fed.positions.length + (fed.reasons ? skippedIn(resolved.reasoning) : 0),
      fed.id,
      sequence.row === undefined
        ? 'Choose shorter samples, or another model.'
        : `Rows are not truncated: draw from those of at most ${resolved.model.config.maxPositions} tokens (a filter of the Data panel, --max-tokens of the command line), or choose another model.`,
    );
    return fed;
  });
}

function checkSections(
  { label, latentSteps }: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
): void {
  if (sections.length === 0)
    throw new InputError('no tokens are chosen', `Choose from ${SECTIONS.join(', ')}.`);
  for (const section of sections)
    if (!SECTIONS.includes(section))
      throw new InputError(
        `there are no ${section} tokens; there are ${SECTIONS.join(', ')}`,
        `Choose from ${SECTIONS.join(', ')}.`,
      );
  for (const { id, text } of sequences) {
    const wrong = sections.find((section) => (section === 'text') !== (text !== undefined));
    if (wrong !== undefined)
      throw new InputError(
        `${id} is a ${text === undefined ? 'problem' : 'text'}, which has no ${wrong} tokens`,
        text === undefined ? 'Choose question, rationale, latent or answer.' : 'Choose text.',
      );
  }
  if (sections.includes('latent') && sections.includes('rationale'))
    throw new InputError(
      'rationale and latents come from two passes, and cannot be in one selection',
      'Make two selections.',
    );
  if (sections.includes('latent') && latentSteps === 0)
    throw new InputError(`the ${label} has no latent steps`, 'Choose other tokens, or another student.');
}

function checkOtherPrompt(sequences: readonly Sequence[], sections: readonly Section[]): void {
  const hint = 'Leave out the control “other prompt”.';
  if (sequences.some(({ text }) => text !== undefined))
    throw new InputError('texts have no prompt to replace', hint);
  if (sections.includes('latent'))
    throw new InputError(
      'latents after another prompt belong to that prompt, so they are not a control',
      hint,
    );
  if (sequences.length < 2)
    throw new InputError(
      'another prompt needs a second sample, and there is only one',
      'Choose two or more.',
    );
}

function problemParts(
  resolved: ResolvedSubject,
  sequence: Extract<Sequence, { text?: undefined }>,
  sections: readonly Section[],
  { random, asked }: { random: Rng | undefined; asked: Sequence | undefined },
): Part[] {
  const { question, rationale, answer } = partsOf(resolved, sequence);
  const { latentSteps } = resolved;
  if (sections.includes('rationale') && rationale.length === 0)
    throw new InputError(
      `${sequence.id} has no rationale`,
      'Choose question or answer, or draw from rows with steps: a filter of 1 step or more leaves the others out.',
    );
  const latent = sections.includes('latent');
  const section: Section = latent ? 'latent' : 'rationale';
  let thought: Part = latent ? { section, ids: [], reasons: true } : { section, ids: rationale };
  if (random) thought = { section, ids: drawn(resolved, latent ? latentSteps : rationale.length, random) };
  return [
    {
      section: 'question',
      ids: asked !== undefined && asked.text === undefined ? partsOf(resolved, asked).question : question,
    },
    thought,
    { section: 'answer', ids: answer },
  ];
}

/**
 * Question, rationale, and answer prompt with answer; for a problem as the student is trained on it, for a
 * row as plain text.
 */
function partsOf(
  { tokenizer, codec }: ResolvedSubject,
  sequence: Extract<Sequence, { text?: undefined }>,
): RowTokens {
  if (sequence.row !== undefined) return tokensOfRow(tokenizer, sequence.row);
  const { prompt, encode } = codec();
  const { question, rationale, answer } = encode(sequence.problem);
  // The end token is only a target.
  return { question, rationale, answer: [...prompt, ...answer.slice(0, -1)] };
}

function textParts(resolved: ResolvedSubject, text: string, random: Rng | undefined): Part[] {
  const ids = resolved.tokenizer.encode(text);
  if (ids.length === 0) throw new InputError(`the text ${quote(text)} has no tokens`, 'Type another one.');
  if (!random) return [{ section: 'text', ids }];
  const start = resolved.tokenizer.isSpecial(ids[0] as number) ? ids.slice(0, 1) : [];
  return [{ section: 'text', ids: [...start, ...drawn(resolved, ids.length - start.length, random)] }];
}

/** Give up after this many draws without a usable token. */
const MAX_DRAWS = 1000;

/** Uniformly drawn ids of ordinary tokens, without special ones. */
function drawn({ tokenizer, model }: ResolvedSubject, count: number, rng: Rng): number[] {
  const vocabSize = Math.min(tokenizer.vocabSize, model.config.vocabSize);
  return Array.from({ length: count }, () => {
    for (let n = 0; n < MAX_DRAWS; n++) {
      const id = rng.integer(0, vocabSize - 1);
      if (tokenizer.has(id) && !tokenizer.isSpecial(id)) return id;
    }
    throw new InputError(
      'the tokenizer has almost only special tokens, so that no random tokens can be drawn',
      'Leave out the control “random tokens”, or open the checkpoint with its own tokenizer.json.',
    );
  });
}

const DIGITS = '₀₁₂₃₄₅₆₇₈₉';
const nameOfLatent = (step: number): string =>
  `z${Array.from(String(step), (digit) => DIGITS[Number(digit)]).join('')}`;

function reading(
  { tokenizer, label, model, reasoning }: ResolvedSubject,
  { id, about }: Sequence,
  parts: readonly Part[],
): FedSequence {
  const { vocabSize } = model.config;
  for (const token of parts.flatMap((part) => part.ids))
    if (token >= vocabSize)
      throw new InputError(
        `${id} has token id ${token}; the ${label} has ${vocabSize} tokens`,
        'Use a model and a tokenizer from the same checkpoint.',
      );
  const at = parts.findIndex(({ reasons }) => reasons);
  const idsOf = (some: readonly Part[]): number[] => some.flatMap((part) => part.ids);
  return {
    id,
    about,
    question: at < 0 ? [] : idsOf(parts.slice(0, at)),
    reasons: at >= 0,
    rest: at < 0 ? idsOf(parts) : idsOf(parts.slice(at + 1)),
    positions: parts.flatMap(({ section, ids, reasons }) => [
      ...ids.map((token) => ({ section, text: tokenizer.tokenText(token), id: token })),
      ...(reasons ? positionsOf(reasoning) : []).map(
        ({ thought }): FedPosition => ({
          section: thought === undefined ? null : section,
          text: thought === undefined ? '' : nameOfLatent(thought),
          id: null,
        }),
      ),
    ]),
  };
}
