import { useState } from 'react';
import type { StudentChoice } from '../../../../contract/calls';
import {
  type EvaluatedItem,
  filterItems,
  type ItemFilter,
  NO_ITEM_FILTER,
} from '../../../../contract/evaluation';
import type { Subject } from '../../../../contract/lens';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Choice, Segments } from '../../../ui/Choice';
import { duration, integer } from '../../../ui/format';
import { HeadRow } from '../../../ui/HeadRow';
import { Scroller } from '../../../ui/Scroller';
import { ShowMore } from '../../../ui/ShowMore';
import { TextEntry } from '../../../ui/TextEntry';
import { useCompared } from './Compared';

const PAGE = 25;

/** The answers of the evaluation that is shown, one by one. */
export function Items() {
  const { list, shown, other } = useApp((state) => state.evaluation);
  const [filter, setFilter] = useState<ItemFilter>(NO_ITEM_FILTER);
  const [count, setCount] = useState(PAGE);
  const compared = useCompared();
  const all = list.find(({ id }) => id === shown)?.evaluation.items ?? [];
  const others = list.find(({ id }) => id === other)?.evaluation.items ?? [];
  const subject = list.find(({ id }) => id === shown)?.evaluation.request.subject;
  if (all.length === 0 || !subject) return null;
  const outcome = filter.outcome === 'differ' && !compared ? 'all' : filter.outcome;
  const found = filterItems(all, { ...filter, outcome }, compared?.differ);
  const byId = new Map(others.map((item) => [item.id, item]));
  const steps = [...new Set(all.map((item) => item.steps))].sort((a, b) => a - b);
  const change = (next: Partial<ItemFilter>) => {
    setFilter({ ...filter, ...next });
    setCount(PAGE);
  };
  return (
    <>
      <div className="lens-wide-fields">
        <TextEntry
          label="Search the answers"
          value={filter.search}
          placeholder="question, answer or id"
          onChange={(search) => change({ search })}
        />
        <Choice
          label="Steps of the reference"
          value={String(filter.steps ?? '')}
          options={[
            { id: '', label: 'any number' },
            ...steps.map((n) => ({ id: String(n), label: String(n) })),
          ]}
          onChange={(text) => change({ steps: text === '' ? null : Number(text) })}
        />
      </div>
      <Segments
        label="Answers shown"
        value={outcome}
        options={[
          { id: 'all', label: 'All' },
          { id: 'right', label: 'Right' },
          { id: 'wrong', label: 'Wrong' },
          { id: 'differ', label: 'Only one is right', isDisabled: !compared },
        ]}
        onChange={(next) => change({ outcome: next as ItemFilter['outcome'] })}
      />
      <Scroller className="table-scroll" label="answers">
        <table className="evaluated">
          <caption aria-live="polite">
            {integer(found.length)} of {integer(all.length)} answers
          </caption>
          <HeadRow
            names={[
              'Problem',
              'Answer',
              ...(compared ? ['The other’s'] : []),
              'Expected',
              'Steps',
              'Cost',
              'Stepper',
            ]}
          />
          <tbody>
            {found.slice(0, count).map((item) => (
              <Row
                key={item.id}
                item={item}
                subject={subject}
                other={compared ? (byId.get(item.id) ?? null) : undefined}
              />
            ))}
          </tbody>
        </table>
      </Scroller>
      <ShowMore shown={count} total={found.length} page={PAGE} onChange={setCount} />
    </>
  );
}

function Row({
  item,
  subject,
  other,
}: {
  readonly item: EvaluatedItem;
  readonly subject: Subject;
  /** Absent without a comparison; null where the other did not answer it. */
  readonly other: EvaluatedItem | null | undefined;
}) {
  const { id, question, answer, steps, thoughts, tokens, milliseconds } = item;
  return (
    <tr>
      <th scope="row">
        {id}
        <span className="help">{question}</span>
      </th>
      <td>
        <Answer item={item} />
      </td>
      {other !== undefined && <td>{other === null ? '–' : <Answer item={other} />}</td>}
      <td>{answer}</td>
      <td>{steps}</td>
      <td>
        {counted(tokens, 'token')}
        <span className="help">
          {counted(thoughts, 'thought')}
          {milliseconds === null ? '' : `, ${duration(milliseconds)}`}
        </span>
      </td>
      <td>
        <StepThrough item={item} subject={subject} />
      </td>
    </tr>
  );
}

const counted = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

function Answer({ item: { right, value, text } }: { readonly item: EvaluatedItem }) {
  return (
    <>
      <span className={`verdict ${right ? 'right' : 'wrong'}`}>
        {right ? '✓' : '✕'} {value ?? 'no answer found'}
        <span className="visually-hidden">{right ? ', right' : ', wrong'}</span>
      </span>
      {text !== value && <span className="help">{text === '' ? 'nothing was written' : `“${text}”`}</span>}
    </>
  );
}

/** The student of the stepper that a subject is. */
const STEPPED: Partial<Record<Subject['kind'], StudentChoice>> = {
  student: 'trained',
  base: 'base',
  opened: 'opened',
};

/** Opens the problem in the stepper above, for the one that answered it where it can be stepped through. */
function StepThrough({ item, subject }: { readonly item: EvaluatedItem; readonly subject: Subject }) {
  const { pickProblem, typeQuestion, openQuestion, chooseStudent } = useActions();
  const student = STEPPED[subject.kind];
  const open = () => {
    const { id, question, answer } = item;
    if (student) chooseStudent(student);
    if (id.startsWith('held-out-')) pickProblem({ id, question, answer, steps: [] });
    else typeQuestion(question);
    void openQuestion();
    window.scrollTo({ top: 0 });
  };
  return (
    <Button look="quiet" aria-label={`Step through ${item.id}`} onPress={open}>
      Step through
    </Button>
  );
}
