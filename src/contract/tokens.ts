import { z } from 'zod';
import type { Subject } from './lens';

/** The exact tokens that a text becomes, before anything is run on them. */

/** Texts of one request, and characters of each. */
export const MAX_PREVIEW_TEXTS = 64;
const MAX_TEXT = 100_000;
/** Tokens of a text that are listed; all are counted. */
export const MAX_PREVIEW_TOKENS = 1024;

const whole = z.int().min(0);
export const tokenPreviewRequest = z.strictObject({
  subject: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('teacher') }),
    z.strictObject({ kind: z.literal('base') }),
    z.strictObject({ kind: z.literal('student'), checkpoint: whole.optional() }),
    z.strictObject({ kind: z.literal('opened') }),
  ]),
  texts: z.array(z.string().max(MAX_TEXT)).min(1).max(MAX_PREVIEW_TEXTS),
  reading: z.enum(['text', 'question']),
  template: z.string().max(100).optional(),
});

export interface TokenPreviewRequest {
  readonly subject: Subject;
  readonly texts: readonly string[];
  /** `text`: as it is, for the lens and for generation; `question`: of a word problem, its white space joined. */
  readonly reading: 'text' | 'question';
  /** Name of a chat template of the model: each text is then the message of a user, and the answer begins after it. */
  readonly template?: string;
}

export interface PreviewToken {
  readonly id: number;
  /** What it adds inside a text; a special token's name, a part of a character as its bytes (`<0xE2>`). */
  readonly text: string;
  readonly special: boolean;
  /** For the unknown token: the word that it, or a part of it, stands for; empty where that cannot be told. */
  readonly unknown?: string;
  /** Of a token that is a part of a character. */
  readonly bytes?: readonly number[];
}

export interface TextPreview {
  /** As it is read: after the template, or with its white space joined. */
  readonly text: string;
  /** The first of them, special ones included. */
  readonly tokens: readonly PreviewToken[];
  readonly count: number;
  /** Words that the model does not know, each once. */
  readonly unknown: readonly string[];
  /** Why it cannot be run. */
  readonly refused: { readonly message: string; readonly hint: string } | null;
}

export interface TokenPreview {
  /** In the order of the request. */
  readonly texts: readonly TextPreview[];
  /** Positions that the model has, if its configuration says. */
  readonly positions: number | null;
  /** Names of the model's chat templates, the usual one first; none for a model without. */
  readonly templates: readonly string[];
}
