import type { EvaluatedItem, EvaluationHead, EvaluationRequest } from '../contract/evaluation';

/** A made-up evaluation: four in five problems are right after thoughts, fewer otherwise, and which is a pattern. */
export function madeEvaluation(request: EvaluationHead['request']): {
  readonly head: EvaluationHead;
  readonly items: readonly EvaluatedItem[];
} {
  const { mode, thoughts, problems, subject } = request as EvaluationRequest;
  const isLatent = mode === 'latent';
  const many = thoughts ?? 3;
  const every = !isLatent ? (mode === 'explicit' ? 9 : 3) : many >= 3 ? 5 : 2;
  const head: EvaluationHead = {
    request,
    label: subject.kind,
    model: 'made up',
    identity: { base: 'a'.repeat(64), student: subject.kind === 'student' ? 'bb' : null },
    thoughts: isLatent ? 3 : null,
    counts: isLatent ? [0, 1, 2, 3, 4, 5, 6] : [],
    stopsByItself: false,
    rule: 'last-number',
    data: { name: 'made-up problems', sha256: null },
    total: problems,
    notes: [],
  };
  const items = Array.from({ length: problems }, (_, i): EvaluatedItem => {
    const right = i % every !== 1;
    const answer = String(10 + i);
    const value = right ? answer : String(11 + i);
    return {
      ...{ id: `held-out-${i}`, question: `Mia has ${i} pens and finds 10. How many?`, steps: 1 + (i % 3) },
      ...{ answer, text: `The answer is: ${value}`, value, right },
      ...{ thoughts: isLatent ? many : 0, tokens: mode === 'explicit' ? 30 + i : 2 },
      ...(mode === 'explicit' && { written: 20 + (i % 4) }),
      milliseconds: request.together === 1 ? 40 + i : null,
    };
  });
  return { head, items };
}
