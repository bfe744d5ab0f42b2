import { useState } from 'react';
import type { TokenPreviewRequest } from '../../contract/tokens';
import type { PreviewOutcome } from './preview-actions';
import { useActions, useApp } from './use-app';
import { useSettled } from './use-settled';

export interface TokenReading {
  readonly outcome: PreviewOutcome;
  /** Whether they are the tokens of the previous texts. */
  readonly isStale: boolean;
}

/**
 * The tokens of the texts of `request`, a moment after they last changed; `null` before, without a request, and while the
 * model is not loaded.
 */
export function useTokenPreview(request: TokenPreviewRequest | null): TokenReading | null {
  const { previewTokens } = useActions();
  // The model that the subject's tokenizer belongs to: another model gives other tokens.
  const model = useApp(({ pair, lens }) =>
    request === null ? null : request.subject.kind === 'opened' ? lens.opened.value : pair.value,
  );
  const [read, setRead] = useState<{ key: string; model: unknown; outcome: PreviewOutcome } | null>(null);
  const key = request === null || model === null ? null : JSON.stringify(request);
  useSettled(
    async (isCurrent) => {
      if (key === null) return;
      const outcome = await previewTokens(JSON.parse(key) as TokenPreviewRequest);
      if (isCurrent()) setRead({ key, model, outcome });
    },
    [key, model],
  );
  if (key === null || read === null || read.model !== model) return null;
  return { outcome: read.outcome, isStale: read.key !== key };
}
