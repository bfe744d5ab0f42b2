import { useState } from 'react';
import { Choice } from '../ui/Choice';
import type { HoverKey, HoverLink } from './link';

const NOTHING = '';

/** Chooses what to highlight in all linked charts, by keyboard or permanently, rather than by pointing. */
export function Highlight({
  link,
  options,
  label = 'Highlight',
  nothing = 'nothing',
}: {
  readonly link: HoverLink;
  readonly options: readonly { readonly key: HoverKey; readonly label: string; readonly about?: string }[];
  readonly label?: string;
  /** Label of the empty choice. */
  readonly nothing?: string;
}) {
  const [chosen, choose] = useState<HoverKey>(NOTHING);
  return (
    <Choice
      label={label}
      value={options.some(({ key }) => key === chosen) ? chosen : NOTHING}
      options={[
        { id: NOTHING, label: nothing },
        ...options.map(({ key, label, about }) => ({ id: key, label, ...(about && { about }) })),
      ]}
      onChange={(key) => {
        choose(key);
        link.hold(key === NOTHING ? null : key);
      }}
    />
  );
}
