import type { HostTensor } from '../../base/dtype';
import { leftPad } from '../../data/batch';
import type { Computed, Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { joined } from './added-tokens';
import { keyMask } from './batches';
import { TOKEN_INPUTS } from './token-inputs';

const MASK = 'question.markedMask';

/** The question, left-padded to S columns, and one embedding [B, H] after it, as one segment. */
export const markedQuestion = (
  tape: Tape,
  S: number,
  marker: Computed,
  adapters: readonly string[],
): Segment =>
  tape.segment(joined(tape, tape.tokens(TOKEN_INPUTS.questionIds, S), marker), {
    adapters,
    mask: MASK,
  });

export const markedQuestionFeeds = (
  rows: readonly { readonly question: readonly number[] }[],
  S: number,
  padId: number,
): Record<string, HostTensor> => ({
  [TOKEN_INPUTS.questionIds]: leftPad(
    rows.map(({ question }) => question),
    S,
    padId,
  ).ids,
  [MASK]: keyMask(rows, S + 1, ({ question }, j) => j >= S - question.length),
});
