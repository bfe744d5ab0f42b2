import type { InputsRequest, RunInputs } from '../../contract/inputs';
import type { TokenPreview, TokenPreviewRequest } from '../../contract/tokens';
import type { Context } from './context';
import { type Failure, failureOf } from './task';

export type PreviewOutcome =
  | { readonly preview: TokenPreview; readonly error: null }
  | { readonly preview: null; readonly error: Failure };

export interface PreviewActions {
  /** The tokens of texts, as the model would read them. Loads nothing: call it once the model is loaded. */
  previewTokens(request: TokenPreviewRequest): Promise<PreviewOutcome>;
  /** The tokens of a sample as a run would have them. Loads nothing either. @throws what the engine does */
  runInputs(request: InputsRequest): Promise<RunInputs>;
}

export const previewActions = (ctx: Context): PreviewActions => ({
  async previewTokens(request) {
    try {
      return { preview: await ctx.engine().previewTokens(request), error: null };
    } catch (thrown) {
      return { preview: null, error: failureOf(thrown) };
    }
  },
  runInputs: async (request) => ctx.engine().runInputs(request),
});
