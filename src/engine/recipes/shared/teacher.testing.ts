import type { TeacherReader, TeacherStates } from './teacher';

/** A teacher whose states are known. @param holds false: as one that is read sample by sample, whose states are gone afterwards */
export const knownTeacher = (
  states: readonly TeacherStates[],
  holds = true,
): TeacherReader & { readings: number } => ({
  tokens: states.map(({ tokens }) => tokens),
  holds,
  readings: 0,
  async each(visit) {
    this.readings++;
    for (const [sample, { rationale, tokens, anchor }] of states.entries()) {
      const lent = { rationale: rationale.slice(), tokens, anchor: anchor.slice() };
      await visit(lent, sample);
      if (holds) continue;
      lent.rationale.fill(Number.NaN);
      lent.anchor.fill(Number.NaN);
    }
  },
});
