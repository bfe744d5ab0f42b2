import { readFile } from 'node:fs/promises';
import type { RunConfig } from '../contract/config';
import type { Subject } from '../contract/lens';
import { type CommandInput, type Contender, unobserved } from './command';
import { snapshotPath } from './keep';
import { openGiven, parseSubject, selectionsOf } from './subjects';

/** The options that say who answers. */
export interface WhoArguments {
  readonly subject: readonly string[];
  readonly kept: readonly string[];
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
 * The subjects that are asked for, one after another: those named, the opened checkpoint, the students kept in folders, and
 * those of the presets, which are trained here; without any, that of the configuration.
 */
export async function* askedSubjects(
  { workbench, contenders, config, chosen, say, onEvent }: CommandInput,
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
  for (const folder of given.kept) {
    const path = snapshotPath(folder);
    const file = await readFile(path).catch((error: Error) => {
      throw new Error(`--kept ${JSON.stringify(folder)}: no run is kept there (${error.message})`);
    });
    const { label, step } = await workbench.openStudent(new Uint8Array(file));
    say(`${folder}: ${label}, step ${step}`);
    yield { name: folder, subject: { kind: 'student' } };
  }
  const asksForStudent = named.some(({ kind, step }) => kind === 'student' && step === undefined);
  const isNobody = !isOpened && named.length === 0 && given.kept.length === 0;
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
