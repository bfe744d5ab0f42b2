import type { ConfigOf } from '../../contract/config';
import { addedTokens, TOKENS } from './shared/added-tokens';
import { answerAfter, readQuestion, reasonAfter, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';

/** PauseFT: question, M copies of one learned token in one pass, answer (Goyal et al. §3). M = 0 is No-CoT. */
export const pauseFt: Recipe<ConfigOf<'pause-ft'>> = {
  adapters: studentLora,
  modules: ({ pauses }, model) =>
    pauses.count > 0 ? [addedTokens(model, 1, { trained: true, initial: 'drawn' })] : [],
  reasoning: ({ pauses }) => ({
    adapters: [STUDENT],
    stages:
      pauses.count > 0
        ? [{ kind: 'embeddings', parameter: TOKENS, rows: new Array(pauses.count).fill(0), thoughts: true }]
        : [],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { end } = reasonAfter(
      tape,
      readQuestion(tape, layout),
      pauseFt.reasoning(config, tape.parameters.config),
    );
    answerAfter(tape, end, layout, config.weights.answer, [STUDENT], config.answer.supervised);
  },
};
