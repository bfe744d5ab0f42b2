import { useRef } from 'react';
import { CONTROLS, FIGURE_6, STACKS } from '../../../../contract/lens';
import { readSpan, spanWords } from '../../../../contract/span';
import { draftErrors, initialDraft, lensRanges, requestOf } from '../../../store/lens-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Choice } from '../../../ui/Choice';
import { CheckField, FieldName } from '../../../ui/Field';
import { TextEntry } from '../../../ui/TextEntry';
import { UndoButtons, useUndoKeys } from '../../../ui/UndoButtons';
import { RangedField } from '../../shared/RangedField';
import { SubjectField } from '../../shared/SubjectField';
import { useDraftBounds } from '../bounds';
import { CONTROL_WORDS, STACK_WORDS, subjectWord, VIEWS } from '../words';
import { CostNote } from './CostNote';
import { ExportGroup } from './ExportGroup';
import { Group } from './Group';
import { ReportStatus } from './ReportStatus';
import { OverlayField, SectionsField } from './SelectionFields';
import { SourceFields } from './SourceFields';

const usual = initialDraft();

/** What is decomposed, and how. Ctrl+Z undoes a change, Enter in a field decomposes. */
export function RequestForm() {
  const draft = useApp((state) => state.lens.draft);
  const busy = useApp((state) => isBusy(state.lens.report));
  const canUndo = useApp((state) => state.lens.past.length > 0);
  const canRedo = useApp((state) => state.lens.future.length > 0);
  const { changeLens, undoLens, redoLens, runLens, changeSettings } = useActions();
  const bounds = useDraftBounds(draft);
  const errors = draftErrors(draft, bounds);
  const ranges = lensRanges(bounds.hidden);
  const form = useRef<HTMLFormElement>(null);

  useUndoKeys(form, { undo: undoLens, redo: redoLens });

  const wrong = (...fields: (keyof typeof draft)[]) => fields.filter((field) => errors.has(field)).length;
  const also = [
    draft.tucker && 'Tucker',
    draft.trajectories && 'trajectories',
    requestOf(draft, bounds).angles > 0 && 'angles',
  ].filter((word) => typeof word === 'string');
  return (
    <form
      ref={form}
      className="lens-form"
      aria-label="What is decomposed"
      onSubmit={(event) => {
        event.preventDefault();
        if (errors.size > 0 || busy) return;
        changeSettings({ spectraSamples: draft.samples });
        void runLens().then((done) => done && showViews());
      }}
    >
      <SubjectField
        label="Hidden states of"
        value={draft.subject}
        onChange={(subject) => changeLens({ subject })}
      />
      <SectionsField
        label="Parts"
        source={draft.source}
        value={draft.sections}
        error={errors.get('sections')}
        onChange={(sections) => changeLens({ sections })}
      />
      <SourceFields errors={errors} />
      <div className="actions">
        <Button type="submit" look="primary" isDisabled={errors.size > 0 || busy}>
          Decompose
        </Button>
        <UndoButtons canUndo={canUndo} canRedo={canRedo} undo={undoLens} redo={redoLens} />
      </div>
      <CostNote />
      <ReportStatus />
      <div className="groups">
        <Group
          title="Compare"
          summary={draft.overlay === null ? 'with nothing' : `with the ${subjectWord(draft.overlay)}`}
          wrong={wrong('overlay', 'overlaySections', 'angles')}
        >
          <OverlayField
            value={draft.overlay}
            error={errors.get('overlay')}
            onChange={(overlay) => changeLens({ overlay })}
          />
          {draft.overlay !== null && (
            <>
              <SectionsField
                label="Parts of it"
                source={draft.source}
                value={draft.overlaySections}
                error={errors.get('overlaySections')}
                onChange={(overlaySections) => changeLens({ overlaySections })}
              />
              <RangedField
                whole
                label="Directions for the angles"
                tex="r"
                unit="directions"
                range={ranges.angles}
                usual={usual.angles}
                value={draft.angles}
                onChange={(angles) => changeLens({ angles })}
                help="Dimension of the two subspaces compared at each layer; 0 skips the angles."
                error={errors.get('angles')}
              />
            </>
          )}
        </Group>
        <Group
          title="Controls"
          summary={
            draft.controls.length === 0 ? 'none' : draft.controls.map((c) => CONTROL_WORDS[c].of).join(', ')
          }
          wrong={wrong('controls', 'seed')}
        >
          <p className="help">
            Shown beside the hidden states, to tell whether low rank is specific to them.
          </p>
          {CONTROLS.map((control) => (
            <CheckField
              key={control}
              label={CONTROL_WORDS[control].label}
              help={CONTROL_WORDS[control].about}
              isSelected={draft.controls.includes(control)}
              onChange={(on) =>
                changeLens({
                  controls: CONTROLS.filter((one) => (one === control ? on : draft.controls.includes(one))),
                })
              }
            />
          ))}
          {errors.has('controls') && <p className="field-error">{errors.get('controls')}</p>}
          <RangedField
            whole
            label="Seed"
            range={ranges.seed}
            usual={usual.seed}
            value={draft.seed}
            onChange={(seed) => changeLens({ seed })}
            help="For the controls and the bootstrap."
            error={errors.get('seed')}
          />
        </Group>
        <Group
          title="Stacking"
          summary={`${STACK_WORDS[draft.stack].label.toLowerCase()}, layers ${draft.layers || 'all'}${spanNote(draft.span)}${draft.centre ? ', centred' : ''}`}
          wrong={wrong('layers', 'span')}
        >
          <Choice
            label={<FieldName label="Matrix rows" />}
            value={draft.stack}
            options={STACKS.map((id) => ({ id, label: STACK_WORDS[id].label, about: STACK_WORDS[id].about }))}
            onChange={(stack) => changeLens({ stack })}
            help={STACK_WORDS[draft.stack].about}
          />
          <TextEntry
            label="Layers"
            tex="\ell"
            value={draft.layers}
            onChange={(layers) => changeLens({ layers })}
            placeholder="all"
            help={`“all”, or numbers and ranges: 1-3, 6.${bounds.layers === null ? '' : ` The model has ${bounds.layers}.`}`}
            error={errors.get('layers')}
          />
          <TextEntry
            label="Tokens of each sequence"
            value={draft.span}
            onChange={(span) => changeLens({ span })}
            placeholder="all"
            help="“all”, or tokens of the chosen parts, counted from 1: 3-10; 3- for all from the third on."
            error={errors.get('span')}
          />
          <CheckField
            label="Subtract the mean row"
            tex="h - \bar h"
            help="The paper does not; its first direction contains the mean."
            isSelected={draft.centre}
            onChange={(centre) => changeLens({ centre })}
          />
        </Group>
        <Group
          title="Also computed"
          summary={also.length === 0 ? 'nothing else' : also.join(', ')}
          wrong={wrong('trajectories')}
        >
          <CheckField
            label="Tucker decomposition"
            tex="X \approx G \times_2 U_L \times_3 U_H"
            isSelected={draft.tucker}
            onChange={(tucker) => changeLens({ tucker })}
          />
          <Choice
            label={<FieldName label="Trajectories" />}
            value={draft.trajectories ?? 'none'}
            options={[
              { id: 'none', label: 'none' },
              {
                id: 'tucker',
                label: 'in the Tucker subspace',
                about: 'First directions of the hidden mode; not centred.',
              },
              { id: 'pca', label: 'in principal components', about: 'Directions of largest variance.' },
            ]}
            onChange={(basis) =>
              changeLens({ trajectories: basis === 'none' ? FIGURE_6.trajectories : basis })
            }
          />
          {errors.has('trajectories') && <p className="field-error">{errors.get('trajectories')}</p>}
        </Group>
        <ExportGroup />
      </div>
    </form>
  );
}

/** What a span adds to the summary of its group. */
function spanNote(typed: string): string {
  const words = spanWords(readSpan(typed).span);
  return words ? `, ${words}` : '';
}

/** If the form is above the views, they are out of sight: the page scrolls to them. */
function showViews(): void {
  const views = document.getElementById(VIEWS);
  if (views && views.getBoundingClientRect().top > window.innerHeight * 0.8)
    views.scrollIntoView({ block: 'start' });
}
