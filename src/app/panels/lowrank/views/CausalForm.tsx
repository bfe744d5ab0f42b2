import { useRef } from 'react';
import {
  CAUSAL_RANGES,
  type CausalDraft,
  causalErrors,
  initialCausalDraft,
  middleLayer,
  usualRanks,
} from '../../../store/causal-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Segments } from '../../../ui/Choice';
import { CheckField } from '../../../ui/Field';
import { Formula } from '../../../ui/Formula';
import { TextEntry } from '../../../ui/TextEntry';
import { FormUndo } from '../../shared/FormUndo';
import { RangedField, rangeHelp, type StatedRange } from '../../shared/RangedField';
import { SubjectField } from '../../shared/SubjectField';
import { useBounds } from '../bounds';

/** Of a list of numbers, whose range is known once its model is. */
const listHelp = (help: string, range: StatedRange | 0 | null): string =>
  range ? rangeHelp(help, range) : help;

/** What the causal test projects, at which positions, and how many problems it asks. */
export function CausalForm() {
  const draft = useApp((state) => state.forms.causal.draft);
  const busy = useApp((state) => isBusy(state.lens.causal));
  const { changeForm, runCausal } = useActions();
  const changeCausal = (change: Partial<CausalDraft>) => changeForm('causal', change);
  const form = useRef<HTMLFormElement>(null);
  const bounds = useBounds(draft.subject);
  const errors = causalErrors(draft, bounds);
  return (
    <form
      ref={form}
      className="lens-form"
      aria-label="Causal test"
      onSubmit={(event) => {
        event.preventDefault();
        if (errors.size === 0 && !busy) void runCausal();
      }}
    >
      <Formula display tex="h \;\mapsto\; c + V_r V_r^\top (h - c)" />
      <div className="lens-wide-fields">
        <SubjectField label="Model" value={draft.subject} onChange={(subject) => changeCausal({ subject })} />
        <RangedField
          whole
          label="Held-out problems"
          unit="problems"
          range={CAUSAL_RANGES.problems}
          usual={initialCausalDraft.problems}
          value={draft.problems}
          onChange={(problems) => changeCausal({ problems })}
          help="All of them are answered at each rank; use 100 or more to detect small differences."
          error={errors.get('problems')}
        />
        <TextEntry
          label="Layers projected"
          tex="\ell"
          value={draft.layers}
          onChange={(layers) => changeCausal({ layers })}
          placeholder={bounds.layers === null ? '' : String(middleLayer(bounds.layers))}
          help={listHelp(
            'Leave empty for the middle layer, or write “all” or a list such as 1-3, 6.',
            bounds.layers && { range: [1, bounds.layers], usual: middleLayer(bounds.layers) },
          )}
          error={errors.get('layers')}
        />
        <TextEntry
          label="Ranks"
          tex="r"
          value={draft.ranks}
          onChange={(ranks) => changeCausal({ ranks })}
          placeholder={bounds.hidden === null ? '1 2 4 8 …' : usualRanks(bounds.hidden).join(' ')}
          help={listHelp(
            'Leave empty for a range of ranks up to H.',
            bounds.hidden && {
              ...{ range: [0, bounds.hidden], unit: 'directions' },
              usual: usualRanks(bounds.hidden).join(' '),
            },
          )}
          error={errors.get('ranks')}
        />
        <RangedField
          whole
          label="Samples for the directions"
          unit="samples"
          range={CAUSAL_RANGES.samples}
          usual={initialCausalDraft.samples}
          value={draft.samples}
          onChange={(samples) => changeCausal({ samples })}
          help="Training problems, distinct from the held-out ones."
          error={errors.get('samples')}
        />
        <RangedField
          whole
          label="Seed"
          range={CAUSAL_RANGES.seed}
          usual={initialCausalDraft.seed}
          value={draft.seed}
          onChange={(seed) => changeCausal({ seed })}
          help="Seeds the choice of samples and the random directions."
          error={errors.get('seed')}
        />
      </div>
      {draft.subject === 'opened' && (
        <p className="help">
          The test uses the bundled word problems, so it is informative only for a model that can solve them.
        </p>
      )}
      <Segments
        label="Positions"
        value={draft.positions}
        options={[
          { id: 'generated', label: 'After the question' },
          { id: 'all', label: 'Including the question' },
        ]}
        onChange={(positions) => changeCausal({ positions })}
      />
      <Segments
        label="Directions found on"
        value={draft.of}
        options={[
          { id: 'projected', label: 'All projected positions' },
          { id: 'thoughts', label: 'The thoughts alone' },
        ]}
        onChange={(of) => changeCausal({ of })}
      />
      {draft.of === 'thoughts' && (
        <p className="help">
          The answer’s positions are projected as well, and the directions of the thoughts alone do not span
          them.
        </p>
      )}
      <div className="lens-checks">
        <CheckField
          label="Centre on the layer’s mean"
          tex="c = \bar h"
          isSelected={draft.centre}
          onChange={(centre) => changeCausal({ centre })}
        />
        <CheckField
          label="Compare with random directions of equal rank and of equal energy"
          isSelected={draft.random}
          onChange={(random) => changeCausal({ random })}
        />
      </div>
      <div className="actions">
        <Button type="submit" look="primary" isDisabled={errors.size > 0 || busy}>
          Run the causal test
        </Button>
        <FormUndo name="causal" form={form} />
      </div>
    </form>
  );
}
