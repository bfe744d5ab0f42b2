import type { LatentSession } from '../../../contract/events';
import { type InterveneDraft, initialIntervention } from '../../store/intervene-draft';
import { type InterveneNumber, type InterveneSizes, interveneRanges } from '../../store/intervene-numbers';
import { RangedField } from '../shared/RangedField';

/** What every part of the form for interventions is given. */
export interface PartProps {
  readonly draft: InterveneDraft;
  readonly session: LatentSession;
  readonly sizes: InterveneSizes;
  readonly errors: ReadonlyMap<InterveneNumber, string>;
  readonly change: (part: Partial<InterveneDraft>) => void;
}

/** A number of the form for interventions, with its range and default. */
export function NumberOf({
  draft,
  sizes,
  errors,
  change,
  field,
  label,
  tex,
  unit,
  help,
  whole = true,
}: PartProps & {
  readonly field: InterveneNumber;
  readonly label: string;
  readonly tex?: string;
  readonly unit?: string;
  readonly help?: string;
  readonly whole?: boolean;
}) {
  return (
    <RangedField
      {...{ label, tex, unit, whole }}
      {...(help !== undefined && { help })}
      range={interveneRanges(draft, sizes)[field]}
      usual={initialIntervention[field]}
      value={draft[field]}
      onChange={(value) => change({ [field]: value })}
      error={errors.get(field)}
    />
  );
}
