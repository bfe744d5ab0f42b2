import { useState } from 'react';
import { ANSWER_RULES, RULE_IDS, whyMarked } from '../../../contract/answer-rules';
import type { DataReport } from '../../../contract/data';
import { judgeText } from '../../store/data-answers';
import { useActions, useApp } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { FieldName } from '../../ui/Field';
import { Panel } from '../../ui/Panel';
import { TextEntry } from '../../ui/TextEntry';
import { Marked } from './Marked';

/** The rule that finds answers, and a text to try it on. */
export function RuleCard({ report }: { readonly report: DataReport }) {
  const chosen = useApp((state) => state.data.rule);
  const { chooseRule } = useActions();
  const [text, setText] = useState('');
  const [reference, setReference] = useState('');
  const rule = chosen ?? report.rule;
  const { about, source } = ANSWER_RULES[rule];
  const { mark, right } = judgeText(rule, text, reference);
  return (
    <Panel
      title="Answer rule"
      about="How the answer is found in a text and compared. Published results on a data set use its own rule."
    >
      <Choice
        label={<FieldName label="Marked by" />}
        value={rule}
        options={RULE_IDS.map((id) => ({
          id,
          label: `${ANSWER_RULES[id].label}${id === report.rule ? ' (this set’s)' : ''}`,
          about: ANSWER_RULES[id].about,
        }))}
        onChange={(next) => chooseRule(next === report.rule ? null : next)}
        help={
          <>
            {about} Source: {source}.
          </>
        }
      />
      <div className="data-try" data-own-undo>
        <TextEntry
          label="Try it on a text"
          rows={3}
          value={text}
          onChange={setText}
          placeholder="… so she earned $1,200.&#10;#### 1,200"
        />
        <TextEntry label="Reference answer" value={reference} onChange={setReference} placeholder="1200" />
      </div>
      {text !== '' && (
        <p role="status">
          <Marked text={text} mark={mark} />
          <br />
          {mark === null ? 'Nothing is marked' : `Marked: ${mark.value}`}. {whyMarked(rule, mark, text)}{' '}
          {reference !== '' && (
            <strong>{right ? `✓ Right against ${reference}.` : `✕ Wrong against ${reference}.`}</strong>
          )}
        </p>
      )}
    </Panel>
  );
}
