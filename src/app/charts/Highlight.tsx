import { useState } from 'react';
import { Choice } from '../ui/Choice';
import type { HoverKey, HoverLink } from './link';

const NOTHING = '';

/** What to highlight in all charts of a link, chosen rather than pointed at: by keyboard, or to stay. */
export function Highlight({
  link,
  options,
  label = 'Highlight',
  nothing = 'nothing',
}: {
  readonly link: HoverLink;
  readonly options: readonly { readonly key: HoverKey; readonly label: string; readonly about?: string }[];
  readonly label?: string;
  /** What no choice is called. */
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
