import {
  MAX_PREVIEW_TOKENS,
  type TextPreview,
  type TokenPreview,
  type TokenPreviewRequest,
  tokenPreviewRequest,
} from '../../../contract/tokens';
import { InputError } from '../../base/errors';
import { questionText } from '../../data/tokens';
import type { Token, Tokenizer } from '../../tokenizer/tokenizer';
import { checkPositions } from '../models/positions';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { parseRequest } from '../parse-request';
import { previewToken } from './preview-token';
import { promptOf, unknownWords } from './prompt';

/**
 * The tokens of typed texts, as they would be run. An error in one text is reported beside it; the others are
 * read.
 * @throws InputError for an impossible request or a missing subject
 */
export function previewTokens(value: TokenPreviewRequest, loaded: LoadedModels): TokenPreview {
  const request = parseRequest(tokenPreviewRequest, value) as TokenPreviewRequest;
  const subject = resolveSubject(request.subject, loaded);
  return {
    texts: request.texts.map((text) => previewOf(subject, text, request)),
    positions: subject.model.config.maxPositions ?? null,
    templates: subject.tokenizer.chat?.names ?? [],
  };
}

function previewOf(
  { tokenizer, model }: ResolvedSubject,
  typed: string,
  { reading, template }: TokenPreviewRequest,
): TextPreview {
  const text = reading === 'question' ? questionText(typed) : typed;
  try {
    const read = promptOf(tokenizer, text, template);
    const preview = { text: read.text, ...shown(tokenizer, read.tokens) };
    return { ...preview, refused: refusal(() => check(model, read.tokens.length)) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { text, tokens: [], count: 0, unknown: [], refused: reported(error) };
  }
}

function check(model: ResolvedSubject['model'], count: number): void {
  if (count === 0) throw new InputError('the text has no tokens', 'Type another one.');
  checkPositions(model, count, 'the text', 'Shorten it, or choose another model.');
}

function refusal(work: () => void): TextPreview['refused'] {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof InputError) return reported(error);
    throw error;
  }
}

const reported = ({ message, hint }: InputError) => ({ message, hint: hint ?? '' });

function shown(tokenizer: Tokenizer, tokens: readonly Token[]): Omit<TextPreview, 'text' | 'refused'> {
  return {
    tokens: tokens.slice(0, MAX_PREVIEW_TOKENS).map((token) => previewToken(tokenizer, token)),
    count: tokens.length,
    unknown: unknownWords(tokens),
  };
}
