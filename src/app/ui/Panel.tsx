import type { ReactNode } from 'react';
import { useId } from 'react';

export interface PanelProps {
  readonly title: ReactNode;
  /** One sentence under the title. */
  readonly about?: ReactNode;
  /** Buttons beside the title. */
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
  readonly className?: string;
  readonly level?: 2 | 3;
}

/** A titled region. */
export function Panel({ title, about, actions, children, className = '', level = 3 }: PanelProps) {
  const id = useId();
  const Heading = `h${level}` as const;
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <div>
          <Heading id={id}>{title}</Heading>
          {about !== undefined && <p className="about">{about}</p>}
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** Facts as pairs of term and value. */
export function Facts({ items }: { readonly items: readonly (readonly [ReactNode, ReactNode])[] }) {
  return (
    <dl className="facts">
      {items.map(([term, value], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is fixed
        <div key={i}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What a place says when it has nothing to show yet. */
export function Empty({ children, action }: { readonly children: ReactNode; readonly action?: ReactNode }) {
  return (
    <div className="empty">
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Large figures side by side. */
export function Figures({
  items,
}: {
  readonly items: readonly {
    readonly label: ReactNode;
    readonly value: ReactNode;
    readonly note?: ReactNode;
  }[];
}) {
  return (
    <dl className="figures">
      {items.map(({ label, value, note }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is fixed
        <div key={i}>
          <dt>{label}</dt>
          <dd>
            <span className="figure-value">{value}</span>
            {note !== undefined && <span className="figure-note">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
