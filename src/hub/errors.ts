import { MAX_MESSAGE, shorten } from '../text/quote';

/**
 * What can go wrong between this page and a model host. The page switches on `code`: `network` (may succeed
 * if retried: what has arrived is kept), `hub` (the host refuses, or has something else), `input` (invalid
 * user input), `busy` (another tab is doing it), `cancelled`.
 */
export type HubErrorCode = 'network' | 'hub' | 'input' | 'busy' | 'cancelled';

export class HubError extends Error {
  override readonly name: string = 'HubError';
  readonly hint: string;

  constructor(
    readonly code: HubErrorCode,
    message: string,
    hint: string,
    options?: ErrorOptions,
  ) {
    super(shorten(message, MAX_MESSAGE), options);
    this.hint = shorten(hint, MAX_MESSAGE);
  }
}

export const cancelled = () =>
  new HubError(
    'cancelled',
    'the download was cancelled',
    'What has arrived is kept: resume it when you want.',
  );
