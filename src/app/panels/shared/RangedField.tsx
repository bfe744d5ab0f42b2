import { rangeText } from '../../../contract/settings';
import { NumberField } from '../../ui/Field';

export interface StatedRange {
  readonly range: readonly [low: number, high: number];
  readonly unit?: string | undefined;
  /** The default, as it is shown. */
  readonly usual: string | number;
}

/** What a setting does, its range with its unit and its default, in the words of Distil's settings. */
export function rangeHelp(help: string, { range: [low, high], unit, usual }: StatedRange): string {
  const within = rangeText({ kind: 'count', range: { low, high, above: false }, options: [] });
  return `${help} Range: ${within}${unit ? ` ${unit}` : ', without a unit'}. Default: ${usual}.`.trim();
}

/** A number's field that states what it may be. */
export function RangedField({
  help = '',
  range,
  usual,
  ...field
}: Omit<Parameters<typeof NumberField>[0], 'help'> & StatedRange & { readonly help?: string }) {
  return <NumberField {...field} help={rangeHelp(help, { range, usual, unit: field.unit })} />;
}
