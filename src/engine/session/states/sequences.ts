import { type DataRow, NO_FILTER } from '../../../contract/data';
import type { Source } from '../../../contract/lens';
import { quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import { expectWhole } from '../../base/whole';
import type { ProblemText } from '../../data/tokens';
import { type OpenedData, openedData } from '../data/opened-data';
import { POOL, type ProblemSet } from '../models/problems';

/** What a model reads: a word problem, a row of a data set, or a plain text. */
export type Sequence = { readonly id: string; readonly about: string } & (
  | { readonly problem: ProblemText; readonly row?: undefined; readonly text?: undefined }
  | { readonly row: DataRow; readonly problem?: undefined; readonly text?: undefined }
  | { readonly text: string; readonly problem?: undefined; readonly row?: undefined }
);

/**
 * The sequences of a source; texts need no data set.
 * @throws InputError for an impossible number of samples or id, a repeated id, empty texts, or no pair or data set to
 * draw from
 */
export function sequencesOf(
  source: Source,
  { problems, data }: { readonly problems?: ProblemSet; readonly data?: OpenedData | undefined },
): Sequence[] {
  if (source.kind === 'texts') {
    if (source.texts.length === 0) throw new InputError('there are no texts', 'Type at least one.');
    return source.texts.map((text, i) => {
      if (text.trim() === '') throw new InputError(`text ${i + 1} is empty`, 'Type something, or remove it.');
      return { id: `text-${i + 1}`, about: text, text };
    });
  }
  if (source.kind === 'rows') {
    const { set, tokens } = openedData(data);
    const { seed, samples, filter = NO_FILTER } = source;
    expectWhole('samples', samples, 1, set.rows.length);
    const { indices } = set.select('sample', filter, { seed, samples, heldOut: 0 }, tokens);
    return indices.map((i) => {
      const row = set.rows[i] as DataRow;
      return { id: row.id, about: row.question, row };
    });
  }
  if (!problems) throw new InputError('no data set is loaded', 'Load the bundled pair first, or type texts.');
  if (source.kind === 'problems') {
    const { seed, samples } = source;
    expectWhole('seed', seed, 0, 2 ** 31 - 1);
    expectWhole('samples', samples, 1, POOL);
    return problems.sample(seed, samples).map(sequenceOf);
  }
  if (source.ids.length === 0) throw new InputError('there are no samples', 'Choose at least one.');
  const twice = source.ids.find((id, i) => source.ids.indexOf(id) < i);
  if (twice !== undefined)
    throw new InputError(`the sample ${quote(twice)} is chosen twice`, 'Choose it once.');
  return source.ids.map((id) => {
    const [, split, index] = /^(train|validation|held-out)-(\d+)$/.exec(id) ?? [];
    if (split === undefined)
      throw new InputError(
        `there is no sample ${quote(id)}; an id looks like train-17`,
        'Choose it from the list of problems.',
      );
    const [example] = problems.take(split as 'train' | 'validation' | 'held-out', Number(index), 1);
    return sequenceOf(example as NonNullable<typeof example>);
  });
}

const sequenceOf = ({ id, problem }: { id: string; problem: ProblemText }): Sequence => ({
  id,
  about: problem.question,
  problem,
});
