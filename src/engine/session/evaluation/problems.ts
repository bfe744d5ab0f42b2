import type { RuleId } from '../../../contract/answer-rules';
import type { ProblemSource } from '../../../contract/problem-source';
import { InputError } from '../../base/errors';
import { drawRows } from '../../data/sets/draw-rows';
import { promptOf } from '../../eval/answer';
import { openedData } from '../data/opened-data';
import type { Example } from '../models/problems';
import type { LoadedModels, ResolvedSubject } from '../models/subjects';

/** Problems for a subject to answer, in its own tokens. */
export interface SubjectProblems {
  readonly examples: readonly Example[];
  readonly rule: RuleId;
  /** The text that introduces the answer. */
  readonly prompt: string;
  readonly data: { readonly name: string; readonly sha256: string | null };
  readonly notes: readonly string[];
}

/**
 * The first `count` problems of a source.
 * @throws InputError if there are fewer, or no data set is open, CancelledError
 */
export async function problemsOf(
  subject: ResolvedSubject,
  source: ProblemSource,
  count: number,
  loaded: LoadedModels,
  signal?: AbortSignal,
): Promise<SubjectProblems> {
  const codec = subject.codec();
  const prompt = promptOf(subject.tokenizer, codec);
  if (source.kind === 'rows') return drawn(subject, source.seed, count, loaded, prompt, signal);
  const { own } = subject;
  if (own !== undefined) return ofRun(own, count, prompt);
  const { pair, problems } = loaded;
  if (!problems || !pair) throw new InputError('no data set is loaded', 'Load the bundled pair first.');
  // The subject's own tokenizer may not be the pair's.
  const examples = problems
    .take('held-out', 0, count)
    .map((example) => ({ ...example, tokens: codec.encode(example.problem) }));
  const data = { name: pair.manifest.data.description, sha256: null };
  return { examples, rule: 'last-number', prompt, data, notes: [] };
}

/** The problems that the student's run held out. */
function ofRun(
  own: NonNullable<ResolvedSubject['own']> | null,
  count: number,
  prompt: string,
): SubjectProblems {
  if (!own)
    throw new InputError(
      'the rows held out of this student’s training are not available',
      'Open its data set in the Data panel, and choose the open data set’s rows; the seed of its run’s split holds out the same.',
    );
  const { examples, rule, name, sha256 } = own;
  if (examples.length < count)
    throw new InputError(
      `${count} problems; the student’s run held out ${examples.length} rows`,
      examples.length === 0
        ? 'Choose the open data set’s rows, or train with held-out rows.'
        : `Choose at most ${examples.length}.`,
    );
  return { examples: examples.slice(0, count), rule, prompt, data: { name, sha256 }, notes: [] };
}

async function drawn(
  subject: ResolvedSubject,
  seed: number,
  count: number,
  loaded: LoadedModels,
  prompt: string,
  signal: AbortSignal | undefined,
): Promise<SubjectProblems> {
  const { set } = openedData(loaded.data);
  const { maxPositions = Number.POSITIVE_INFINITY } = subject.model.config;
  const draw = { seed, split: seed, samples: 0, validation: 0, heldOut: count };
  const { heldOut, leftOut } = await drawRows(set, draw, {
    ...{ codec: subject.codec(), longest: maxPositions, rationale: undefined, signal },
  });
  const { report } = set;
  return {
    examples: heldOut.map(({ row, tokens }) => ({ id: row.id, problem: row, tokens })),
    rule: report.rule,
    prompt,
    data: { name: report.name, sha256: report.sha256 },
    notes:
      leftOut.length === 0
        ? []
        : [
            `${leftOut.length} rows were passed over: ${leftOut
              .slice(0, 5)
              .map(({ id, reason }) => `${id} (${reason})`)
              .join(', ')}${leftOut.length > 5 ? ', …' : ''}.`,
          ],
  };
}
