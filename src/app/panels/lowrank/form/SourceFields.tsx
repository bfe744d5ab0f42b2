import { MAX_PREVIEW_TEXTS, type TokenPreviewRequest } from '../../../../contract/tokens';
import { initialDraft, type LensDraft, lensRanges, subjectOf, textsOf } from '../../../store/lens-draft';
import { useActions, useApp } from '../../../store/use-app';
import { Segments } from '../../../ui/Choice';
import { TextEntry } from '../../../ui/TextEntry';
import { RangedField } from '../../shared/RangedField';
import { TokenPreview } from '../../shared/TokenPreview';
import { IdsField } from './IdsField';
import { RowsNote } from './RowsNote';

const ranges = lensRanges();
const usual = initialDraft();

/** Where the sequences come from. */
export function SourceFields({ errors }: { readonly errors: ReadonlyMap<keyof LensDraft, string> }) {
  const draft = useApp((state) => state.lens.draft);
  const { changeLens } = useActions();
  return (
    <>
      <Segments
        label="Sequences"
        value={draft.source}
        options={[
          { id: 'problems', label: 'Problems' },
          { id: 'rows', label: 'Rows' },
          { id: 'ids', label: 'Ids' },
          { id: 'texts', label: 'Typed' },
        ]}
        onChange={(source) => changeLens({ source })}
      />
      {draft.source === 'rows' && <RowsNote />}
      {(draft.source === 'problems' || draft.source === 'rows') && (
        <div className="lens-pair">
          <RangedField
            whole
            label="Samples"
            tex="B"
            unit="samples"
            range={ranges.samples}
            usual={usual.samples}
            value={draft.samples}
            onChange={(samples) => changeLens({ samples })}
            error={errors.get('samples')}
          />
          <RangedField
            whole
            label="Seed of the draw"
            range={ranges.drawSeed}
            usual={usual.drawSeed}
            value={draft.drawSeed}
            onChange={(drawSeed) => changeLens({ drawSeed })}
            error={errors.get('drawSeed')}
          />
        </div>
      )}
      {draft.source === 'ids' && <IdsField error={errors.get('ids')} />}
      {draft.source === 'texts' && (
        <>
          <TextEntry
            label="Texts, one per line"
            value={draft.texts}
            onChange={(texts) => changeLens({ texts })}
            rows={4}
            placeholder={'Once upon a time there was a girl.\nShe had a red ball.'}
            help="Fed to the chosen model as they are, with their spaces; empty lines are left out."
            error={errors.get('texts')}
          />
          <TokenPreview request={typedRequest(draft)} />
        </>
      )}
    </>
  );
}

/** The first of the typed texts, as the chosen subject reads them. */
function typedRequest(draft: LensDraft): TokenPreviewRequest | null {
  const texts = textsOf(draft).slice(0, MAX_PREVIEW_TEXTS);
  return texts.length === 0 ? null : { subject: subjectOf(draft.subject), texts, reading: 'text' };
}
