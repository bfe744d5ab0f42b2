import type { ThoughtTestRequest } from '../../../contract/thought-test';
import { InputError } from '../../base/errors';
import { expectWhole } from '../../base/whole';
import {
  hasFixedThoughts,
  mostThoughts,
  type Reasoning,
  stopsByItself,
  thoughtsIn,
} from '../../decode/reasoning';

export const MAX_PROBLEMS = 1000;

/** @throws InputError for impossible values, or a student without thoughts */
export function checkThoughts(
  request: ThoughtTestRequest,
  reasoning: Reasoning,
  H: number,
  label: string,
): void {
  expectWhole('problems', request.problems, 2, MAX_PROBLEMS);
  expectWhole('seed', request.seed, 0, 2 ** 31 - 1);
  for (const rank of request.ranks) expectWhole('rank', rank, 1, H - 1);
  if (thoughtsIn(reasoning) === 0)
    throw new InputError(
      `the ${label} has no thoughts: it answers directly`,
      'Choose a student that was trained with latent steps.',
    );
}

/** What is not tried on a student, or is done differently, and why. */
export function notesOn(reasoning: Reasoning, prompt: string): string[] {
  return [
    ...(stopsByItself(reasoning)
      ? [
          'It decides for each problem how many thoughts it takes, and that many are replaced; thoughts of other problems come from ones on which it takes as many; other numbers are the same for all problems.',
        ]
      : []),
    ...(hasFixedThoughts(reasoning)
      ? [
          'Its thoughts are fixed tokens, the same for every problem. Their mean and those of another problem are these tokens again, and they have no directions: these conditions are not applicable.',
        ]
      : mostThoughts(reasoning) === null
        ? [
            'Its thoughts are computed together, so their number cannot be changed: fewer and more are not tried.',
          ]
        : []),
    ...(reasoning.explicit
      ? [
          `After its thoughts it writes the rest itself. Its divergence is that of the token after “${prompt}”, which is fed only for this.`,
        ]
      : []),
  ];
}
