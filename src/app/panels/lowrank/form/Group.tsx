import type { ReactNode } from 'react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';

/** A collapsible part of the form; while it is closed, its summary says what is chosen. */
export function Group({
  title,
  summary,
  wrong = 0,
  children,
}: {
  readonly title: string;
  readonly summary?: string;
  /** Number of values in it that need correction. */
  readonly wrong?: number;
  readonly children: ReactNode;
}) {
  return (
    <Disclosure className="group">
      <Heading level={4}>
        <Button slot="trigger" className="group-button">
          <span aria-hidden="true" className="select-arrow" />
          <span>
            {title}
            {summary && <span className="lens-group-summary">{summary}</span>}
          </span>
          {wrong > 0 && <span className="field-error">{wrong} to correct</span>}
        </Button>
      </Heading>
      <DisclosurePanel>
        <div className="lens-fields">{children}</div>
      </DisclosurePanel>
    </Disclosure>
  );
}
