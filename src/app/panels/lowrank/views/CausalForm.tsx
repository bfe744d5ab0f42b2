import { causalErrors, middleLayer, usualRanks } from '../../../store/causal-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Segments } from '../../../ui/Choice';
import { CheckField, NumberField } from '../../../ui/Field';
import { Formula } from '../../../ui/Formula';
import { TextEntry } from '../../../ui/TextEntry';
import { SubjectField } from '../../shared/SubjectField';
import { useBounds } from '../bounds';

/** What the causal test projects, at which positions, and how many problems it asks. */
export function CausalForm() {
  const draft = useApp((state) => state.lens.causalDraft);
  const busy = useApp((state) => isBusy(state.lens.causal));
  const { changeCausal, runCausal } = useActions();
  const bounds = useBounds(draft.subject);
  const errors = causalErrors(draft, bounds);
  return (
    <form
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
        <NumberField
          whole
          label="Held-out problems"
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
          help="Leave empty for the middle layer, or write “all” or a list such as 1-3, 6."
          error={errors.get('layers')}
        />
        <TextEntry
          label="Ranks"
          tex="r"
          value={draft.ranks}
          onChange={(ranks) => changeCausal({ ranks })}
          placeholder={bounds.hidden === null ? '1 2 4 8 …' : usualRanks(bounds.hidden).join(' ')}
          help="Leave empty for a range of ranks up to H."
          error={errors.get('ranks')}
        />
        <NumberField
          whole
          label="Samples for the directions"
          value={draft.samples}
          onChange={(samples) => changeCausal({ samples })}
          help="Training problems, distinct from the held-out ones."
          error={errors.get('samples')}
        />
        <NumberField
          whole
          label="Seed"
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
      </div>
    </form>
  );
}
