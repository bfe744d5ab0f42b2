import type { ConfigOf } from '../../contract/config';
import { added, addedTokens, TOKENS } from './shared/added-tokens';
import { answerAfter, readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';

const LEARNED = { trained: true, initial: 'drawn' } as const;
/** M times the only added token. */
const rowsOf = ({ pauses }: ConfigOf<'pause-ft'>): number[] => new Array(pauses.count).fill(0);

/** PauseFT: question, M copies of one learned token in one pass, answer (Goyal et al. §3). M = 0 is No-CoT. */
export const pauseFt: Recipe<ConfigOf<'pause-ft'>> = {
  adapters: studentLora,
  modules: ({ pauses }, model) => (pauses.count > 0 ? [addedTokens(model, 1, LEARNED)] : []),
  reasoning: (config) => ({
    adapters: [STUDENT],
    stages:
      config.pauses.count > 0
        ? [{ kind: 'embeddings', parameter: TOKENS, rows: rowsOf(config), thoughts: true }]
        : [],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const question = readQuestion(tape, layout);
    const before =
      config.pauses.count > 0
        ? tape.segment(added(tape, rowsOf(config), LEARNED), { after: question, adapters: [STUDENT] })
        : question;
    answerAfter(tape, before, layout, config.weights.answer, config.answer.supervised);
  },
};
