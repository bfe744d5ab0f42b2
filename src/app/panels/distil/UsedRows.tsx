import { ANSWER_RULES } from '../../../contract/answer-rules';
import type { DataUsed } from '../../../contract/roles';
import { useApp } from '../../store/use-app';
import { integer } from '../../ui/format';

/** Rows left out that are shown. */
const SHOWN = 20;

/** Which rows the run uses, and which it leaves out. */
export function UsedRows() {
  const used = useApp(({ run }) => run.data);
  if (!used || used.sha256 === null) return null;
  const { name, rule, training, validation, heldOut, leftOut, notes } = used;
  return (
    <section className="used-rows" aria-label="Rows of this run">
      <p className="help">
        This run: {integer(training.length)} training, {integer(validation.length)} validation and{' '}
        {integer(heldOut.length)} held-out rows of {name}, without a question in common. Answers are judged by
        the rule “{ANSWER_RULES[rule].label}”.
      </p>
      {notes.map((note) => (
        <p key={note} className="help">
          {note}
        </p>
      ))}
      {leftOut > 0 && <LeftOut used={used} />}
    </section>
  );
}

function LeftOut({ used: { leftOut, leftOutRows } }: { readonly used: DataUsed }) {
  const more = leftOut - Math.min(SHOWN, leftOutRows.length);
  return (
    <details>
      <summary>
        {integer(leftOut)} {leftOut === 1 ? 'row was' : 'rows were'} left out
      </summary>
      <ul className="help">
        {leftOutRows.slice(0, SHOWN).map(({ id, reason }) => (
          <li key={id}>
            {id}: {reason}
          </li>
        ))}
        {more > 0 && <li>and {integer(more)} more</li>}
      </ul>
    </details>
  );
}
