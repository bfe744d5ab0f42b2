import type {
  GeneratedToken,
  GenerateReport,
  GenerateReporting,
  GenerateRequest,
} from '../contract/generate';

const WORDS = ' Tom has 15 apples . Then he gives 4 to Ana , so 11 are left . 😀'.match(
  / [^ ]+/g,
) as string[];

interface Ways {
  readonly pace: () => Promise<void>;
  readonly report: ((event: GenerateReporting) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A generation as the engine would report it, of made-up words. */
export async function madeGeneration(
  request: GenerateRequest,
  { pace, report, signal }: Ways,
): Promise<GenerateReport> {
  const { samples: count, limit } = request.settings;
  const prompt = request.prompt.split(/(?= )/).map((text, id) => ({ id, text }));
  report?.({ phase: 'compile', done: 0, total: 0, unit: 'programs', elapsed: 0 });
  await pace();
  report?.({ kind: 'prompt', tokens: prompt });
  const samples = Array.from({ length: count }, () => ({ text: '', tokens: [] as GeneratedToken[] }));
  const length = Math.min(limit, WORDS.length);
  for (let n = 0; n < length; n++) {
    await pace();
    if (signal?.aborted) throw Object.assign(new Error('generation was cancelled'), { code: 'cancelled' });
    samples.forEach((sample, i) => {
      const id = (n + 3 * i) % WORDS.length;
      const token = {
        id,
        text: WORDS[id] as string,
        logProbability: -0.1 * (n + 1),
        probability: 1 / (n + 1),
      };
      sample.tokens.push(token);
      sample.text += token.text;
      report?.({ kind: 'token', sample: i, token, text: token.text, tokensPerSecond: n > 0 ? 12.5 : null });
    });
  }
  const ending = length < limit ? 'end' : 'limit';
  samples.forEach((_, sample) => {
    report?.({ kind: 'ended', sample, text: '', ending });
  });
  return {
    request,
    label: request.subject.kind,
    model: 'made up',
    prompt,
    samples: samples.map((sample) => ({ ...sample, ending })),
    seconds: { compile: 0.2, first: 0.1, rest: 1.3 },
    tokensPerSecond: 12.5,
  };
}
