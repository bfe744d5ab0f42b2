import { type ReactNode, useState } from 'react';
import { shorten } from '../../text/quote';
import { Button } from './Button';

/** Characters of a message that are shown; an error's details have the rest. */
const MAX_SHOWN = 700;

export interface ErrorNoticeProps {
  readonly error: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly stack: string | null;
  };
  /** What failed: "The pair was not loaded". */
  readonly title: string;
  /** Buttons that get out of it. */
  readonly children?: ReactNode;
}

/** An error: what failed, why, what to do, and the details to copy. */
export function ErrorNotice({ error, title, children }: ErrorNoticeProps) {
  const [copied, setCopied] = useState('');
  const details = [`${error.name} (${error.code}): ${error.message}`, error.hint ?? '', error.stack ?? '']
    .filter(Boolean)
    .join('\n');
  const copy = () => {
    navigator.clipboard.writeText(details).then(
      () => setCopied('Copied.'),
      () => setCopied('The browser refused; select the details instead.'),
    );
  };
  return (
    <div className="notice notice-error" role="alert">
      <p className="notice-title">
        <span aria-hidden="true">✕ </span>
        {title}
      </p>
      <p className="notice-message">{shorten(error.message, MAX_SHOWN)}</p>
      {error.hint && <p className="notice-hint">What to do: {shorten(error.hint, MAX_SHOWN)}</p>}
      <div className="actions">
        {children}
        <Button look="quiet" onPress={copy}>
          Copy details
        </Button>
        <span aria-live="polite">{copied}</span>
      </div>
      <details>
        <summary>Details</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region */}
        <pre tabIndex={0}>{details}</pre>
      </details>
    </div>
  );
}

/** Something worth knowing that is not an error. */
export function Notice({
  kind,
  children,
  onDismiss,
}: {
  readonly kind: 'info' | 'warning';
  readonly children: ReactNode;
  readonly onDismiss?: () => void;
}) {
  return (
    <div className={`notice notice-${kind}`} role="status">
      <p>
        <span aria-hidden="true">{kind === 'warning' ? '⚠ ' : 'ℹ '}</span>
        {typeof children === 'string' ? shorten(children, MAX_SHOWN) : children}
      </p>
      {onDismiss && (
        <Button look="quiet" onPress={onDismiss}>
          Dismiss
        </Button>
      )}
    </div>
  );
}
