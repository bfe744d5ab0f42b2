import { useRef } from 'react';
import { ANSWER_RULES, RULE_IDS, type RuleId } from '../../../../contract/answer-rules';
import { EVALUATION_MODES, type EvaluationMode } from '../../../../contract/evaluation';
import { MAX_LATENT_STEPS } from '../../../../contract/methods/shared';
import {
  EVALUATION_RANGES,
  type EvaluationDraft,
  evaluationErrors,
  initialEvaluationDraft,
} from '../../../store/evaluation';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Choice } from '../../../ui/Choice';
import { TextEntry } from '../../../ui/TextEntry';
import { FormUndo } from '../../shared/FormUndo';
import { ProblemsFields, useCanAnswer } from '../../shared/ProblemsFields';
import { RangedField, rangeHelp } from '../../shared/RangedField';
import { SubjectField } from '../../shared/SubjectField';

const MODES: Readonly<Record<EvaluationMode, string>> = {
  latent: 'After its thoughts (implicit)',
  explicit: 'After a written rationale (explicit)',
  direct: 'At once (no-CoT)',
};

/** Who answers what, and how. */
export function EvaluationForm() {
  // Not of all of it: fields are slow to draw, and answers come fast.
  const draft = useApp((state) => state.forms.evaluation.draft);
  const busy = useApp((state) => isBusy(state.evaluation.task));
  const K = useApp(({ student, lens }) =>
    draft.subject === 'student'
      ? (student?.thoughts?.latentSteps ?? null)
      : draft.subject === 'opened'
        ? (lens.opened.value?.thoughts ?? null)
        : null,
  );
  const { changeForm, runEvaluation } = useActions();
  const changeEvaluation = (change: Partial<EvaluationDraft>) => changeForm('evaluation', change);
  const form = useRef<HTMLFormElement>(null);
  const errors = evaluationErrors(draft);
  const canAnswer = useCanAnswer(draft);
  const canRun = errors.size === 0 && canAnswer && !busy;
  const most = K === null ? 8 : Math.min(2 * K, MAX_LATENT_STEPS);
  return (
    <form
      ref={form}
      className="lens-form"
      aria-label="Evaluation"
      onSubmit={(event) => {
        event.preventDefault();
        if (canRun) void runEvaluation();
      }}
    >
      <div className="lens-wide-fields">
        <SubjectField
          label="Who answers"
          value={draft.subject}
          onChange={(subject) => changeEvaluation({ subject })}
        />
        <Choice
          label="Answering mode"
          value={draft.mode}
          options={EVALUATION_MODES.map((id) => ({ id, label: MODES[id] }))}
          onChange={(mode) => changeEvaluation({ mode })}
        />
        {draft.mode === 'latent' && (
          <TextEntry
            label="Number of thoughts"
            tex="K"
            value={draft.thoughts}
            onChange={(thoughts) => changeEvaluation({ thoughts })}
            placeholder={K === null ? 'its own' : `${K}, its own`}
            help={rangeHelp(
              'Leave empty for its own. A list such as 0-8 is a sweep: one evaluation for each number.',
              { range: [0, MAX_LATENT_STEPS], unit: 'thoughts', usual: 'its own' },
            )}
            error={errors.get('thoughts')}
          />
        )}
        <ProblemsFields
          value={draft}
          ranges={EVALUATION_RANGES}
          usual={initialEvaluationDraft}
          errors={errors}
          onChange={changeEvaluation}
        />
        <RangedField
          whole
          label="Problems at once"
          unit="problems"
          range={EVALUATION_RANGES.together}
          usual={initialEvaluationDraft.together}
          value={draft.together}
          onChange={(together) => changeEvaluation({ together })}
          help="With 1, the latency of each is measured; more are faster, but latencies are not measured."
          error={errors.get('together')}
        />
        <Choice
          label="Rule"
          value={draft.rule}
          options={[
            { id: 'set' as const, label: 'That of the data set' },
            ...RULE_IDS.map((id: RuleId) => ({ id, label: ANSWER_RULES[id].label })),
          ]}
          help={
            draft.rule === 'set'
              ? 'Finds the answer in the text and compares it.'
              : ANSWER_RULES[draft.rule].about
          }
          onChange={(rule) => changeEvaluation({ rule })}
        />
      </div>
      <div className="actions">
        <Button type="submit" look="primary" isDisabled={!canRun}>
          Evaluate
        </Button>
        {draft.mode === 'latent' && (
          <Button
            isDisabled={busy}
            onPress={() => changeEvaluation({ thoughts: draft.thoughts === '' ? `0-${most}` : '' })}
          >
            {draft.thoughts === '' ? `Sweep 0 to ${most} thoughts` : 'Its own number of thoughts'}
          </Button>
        )}
        <FormUndo name="evaluation" form={form} />
      </div>
    </form>
  );
}
