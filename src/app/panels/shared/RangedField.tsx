import { limitsOf, type WholeRange } from '../../store/whole';
import { NumberField } from '../../ui/Field';
import { limitsText } from '../../ui/limits';

export interface StatedRange {
  readonly range: WholeRange;
  readonly unit?: string | undefined;
  /** The default, as it is shown. */
  readonly usual: string | number;
}

/** What a setting does, its range with its unit and its default, in the words of Distil's settings: for what is no number's field. */
export function rangeHelp(help: string, { range, unit, usual }: StatedRange): string {
  const limits = limitsOf(range, usual);
  return `${help} ${limitsText(limits.range, unit, limits.usual)}.`.trim();
}

/** A number's field that states what it may be. */
export function RangedField({
  range,
  usual,
  ...field
}: Omit<Parameters<typeof NumberField>[0], 'limits'> & Omit<StatedRange, 'unit'>) {
  return <NumberField {...field} limits={limitsOf(range, usual)} />;
}
