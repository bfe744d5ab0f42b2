import { z } from 'zod';
import { readInterventions, writeInterventions } from '../../contract/intervention-text';
import { readJson } from '../../text/json';
import { type Branches, initialBranches } from './branches';
import { answerKeyIn, type LatentsState } from './thoughts';

/** The branches as a file: everything needed to recreate them. */
export const branchesFile = (latents: LatentsState): string =>
  `${JSON.stringify(
    {
      kind: 'lori-branches',
      question: latents.question,
      student: latents.session.value?.student ?? null,
      models: latents.session.value?.identity ?? null,
      latentSteps: latents.session.value?.latentSteps ?? null,
      branches: latents.branches.list.map(({ id, parent, name, interventions }) => ({
        ...{ id, parent, name, text: writeInterventions(interventions) },
        answer:
          latents.answers[answerKeyIn(latents, latents.session.value?.latentSteps ?? 0, id)]?.text ?? null,
      })),
    },
    null,
    2,
  )}\n`;

const schema = z.looseObject({
  kind: z.literal('lori-branches'),
  question: z.object({
    text: z.string().min(1).max(2000),
    id: z.string().nullable(),
    expected: z.string().nullable(),
  }),
  student: z.string().nullable(),
  models: z.object({ base: z.string(), student: z.string().nullable() }).nullable(),
  branches: z
    .array(
      z.looseObject({
        id: z.int().min(0),
        parent: z.int().min(0).nullable(),
        name: z.string().max(80).nullable(),
        text: z.string(),
      }),
    )
    .min(1)
    .max(500),
});

/** What a branches file holds. */
export interface BranchesFile {
  readonly question: LatentsState['question'];
  /** The student that they were made with, if known. */
  readonly student: string | null;
  readonly models: { readonly base: string; readonly student: string | null } | null;
  readonly branches: Branches;
}

const unusable = (message: string): Error =>
  Object.assign(new Error(message), { code: 'file', hint: 'Choose a file saved with “Download branches”.' });

/** Reads what `branchesFile` wrote. @throws an error that says what is wrong with it */
export function readBranchesFile(text: string): BranchesFile {
  const parsed = schema.safeParse(readJson(text));
  if (!parsed.success) throw unusable('the file contains no branches');
  const { question, student, models, branches } = parsed.data;
  const [root, ...others] = branches;
  if (root?.id !== 0 || root.parent !== null) throw unusable('its first branch is not the unmodified run');
  const known = new Set([0]);
  const list = others.map(({ id, parent, name, text: written }) => {
    if (parent === null || !known.has(parent) || known.has(id))
      throw unusable(`branch ${id} has no earlier parent`);
    known.add(id);
    return { id, parent, name, interventions: readInterventions(written) };
  });
  return {
    ...{ question, student, models },
    branches: { ...initialBranches, list: [...initialBranches.list, ...list] },
  };
}
