import type { ReactNode } from 'react';

/** Something wide that scrolls by itself; the keyboard reaches it. */
export function Scroller({
  label,
  className,
  children,
}: {
  readonly label: string;
  readonly className: string;
  readonly children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reached to be scrolled
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls
    <div className={className} tabIndex={0} role="group" aria-label={label}>
      {children}
    </div>
  );
}
