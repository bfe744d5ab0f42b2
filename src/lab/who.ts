import type { RunConfig } from '../contract/config';
import type { Subject } from '../contract/lens';
import { type CommandInput, type Contender, unobserved } from './command';
import { openGiven, parseSubject, selectionsOf } from './subjects';

/** The options that say who answers. */
export interface WhoArguments {
  readonly subject: readonly string[];
  readonly kept?: string | undefined;
  readonly open?: string | undefined;
  readonly adapter?: string | undefined;
  readonly storage?: string | undefined;
}

/** A subject that is there, with a name. The next one may take its place. */
export interface Who {
  readonly name: string;
  readonly subject: Subject;
}

/**
 * The subjects that are asked for, one after another: those named, the opened checkpoint, the student of a kept run, or
 * those of the presets, which are trained here; without any, that of the configuration.
 */
export async function* askedSubjects(
  { workbench, contenders, config, chosen, kept, say, onEvent }: CommandInput,
  given: WhoArguments,
): AsyncGenerator<Who> {
  const named = given.subject.map((text) => parseSubject(text, false));
  const isOpened = (given.open ?? given.adapter) !== undefined;
  await openGiven(workbench, given, say);
  const train = async (own: RunConfig) => {
    await workbench.distil(unobserved(own), { report: onEvent });
  };
  if (isOpened && !named.some(({ kind }) => kind === 'opened'))
    yield { name: 'opened', subject: { kind: 'opened' } };
  for (const option of named) {
    const { kind, step } = option;
    if (kind !== 'student') yield { name: kind, subject: { kind } };
    else if (step !== undefined) {
      const [found] = await selectionsOf(workbench, [option], config, onEvent);
      if (found) yield { name: `student@${step}`, subject: found.subject };
    }
  }
  if (kept) {
    const { label, step } = await workbench.openStudent(kept.file);
    say(`${given.kept}: ${label}, step ${step}`);
    yield { name: String(given.kept), subject: { kind: 'student' } };
    return;
  }
  const asksForStudent = named.some(({ kind, step }) => kind === 'student' && step === undefined);
  const isNobody = !isOpened && named.length === 0;
  const trained: readonly Contender[] =
    chosen.preset.length > 0
      ? contenders
      : asksForStudent || isNobody
        ? [{ name: config.method, config }]
        : [];
  for (const { name, config: own } of trained) {
    say(`training ${name}, seed ${own.seed}`);
    await train(own);
    yield { name, subject: { kind: 'student' } };
  }
}

/** The only subject. @throws an error if more are asked for */
export async function oneOf(subjects: AsyncGenerator<Who>): Promise<[Who]> {
  const { value: first } = await subjects.next();
  if (!first) throw new Error('no subject is named; give --subject, --open, --kept or --preset');
  return [first];
}
