import './run-inputs.css';
import { useState } from 'react';
import type { InputPart, InputSegment, RunInputs as Inputs, InputsRequest } from '../../../contract/inputs';
import { methodOf } from '../../../contract/methods/index';
import { listed } from '../../../text/quote';
import { needsPair } from '../../store/role-choice';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { type InputsReading, useRunInputs } from '../../store/use-run-inputs';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { Notice } from '../../ui/ErrorNotice';
import { integer } from '../../ui/format';
import { TokenItems, TokenSigns } from '../../ui/TokenList';

/** A sample, token by token, as the batch of a run by Distil's settings has it. */
export function RunInputs({
  of,
  isOfRows = false,
}: {
  readonly of: InputsRequest['of'];
  readonly isOfRows?: boolean;
}) {
  const read = useRunInputs(of, isOfRows);
  if (read === null) return <p className="help">Reading the tokens …</p>;
  return <ReadInputs read={read} />;
}

/** The same, of tokens that were read elsewhere. */
export function ReadInputs({ read: { outcome, isStale } }: { readonly read: InputsReading }) {
  const { inputs, error } = outcome;
  return (
    <div className="run-inputs" aria-busy={isStale}>
      {inputs ? <Sample inputs={inputs} /> : <Refused message={error.message} hint={error.hint} />}
    </div>
  );
}

function Refused({ message, hint }: { readonly message: string; readonly hint: string }) {
  const pair = useApp((state) => state.pair);
  const isMissing = useApp(({ draft }) => needsPair(draft)) && pair.value === null;
  const { loadPair } = useActions();
  return (
    <Notice kind="warning">
      The tokens cannot be shown: {message}. {hint}
      {isMissing && (
        <>
          {' '}
          <Button isDisabled={isBusy(pair)} onPress={() => void loadPair()}>
            Load the bundled pair
          </Button>
        </>
      )}
    </Notice>
  );
}

function Sample({ inputs }: { readonly inputs: Inputs }) {
  const { stages, student, teacher, count, positions, leftOut } = inputs;
  const [chosen, setChosen] = useState(0);
  const method = useApp(({ draft, methods }) => methodOf(draft.method, methods).label);
  const stage = stages[chosen] ?? stages[0]!;
  const tokens = stage.segments.flatMap((one) => (one.kind === 'tokens' ? one.tokens : []));
  return (
    <>
      <p className="help">
        As {student} reads it in a run by {method}: {integer(count)} tokens
        {positions !== null && ` of ${integer(positions)} positions`}. Student and method are those of Distil.
      </p>
      {leftOut !== null && <Notice kind="warning">A run leaves this row out: {leftOut}.</Notice>}
      <Unknown segments={stage.segments} />
      {stages.length > 1 && (
        <Choice
          label="Stage of the curriculum"
          value={String(stages.indexOf(stage))}
          options={stages.map(({ name }, i) => ({ id: String(i), label: name }))}
          onChange={(id) => setChosen(Number(id))}
        />
      )}
      {stage.isDrawn && (
        <p className="help">
          In this stage the student draws its own answers to the question at every step: what is below the
          question is the reference, by which they are judged.
        </p>
      )}
      <ol className="run-segments">
        {stage.segments.map((segment, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a segment is its place
          <li key={i}>
            <Segment segment={segment} teacher={teacher} />
          </li>
        ))}
      </ol>
      <TokenSigns tokens={tokens} />
    </>
  );
}

/** How many tokens are unknown, and which words they stand for. */
function Unknown({ segments }: { readonly segments: readonly InputSegment[] }) {
  const found = segments.flatMap((one) => (one.kind === 'tokens' ? [one] : []));
  const count = found.reduce((n, { unknown }) => n + unknown.count, 0);
  if (count === 0) return null;
  const words = [...new Set(found.flatMap(({ unknown }) => unknown.words))];
  return (
    <Notice kind="warning">
      {count === 1 ? '1 of these tokens is' : `${integer(count)} of these tokens are`} the unknown token
      {words.length > 0 && `: the model does not know ${listed(words.map((word) => `“${word}”`))}`}.
    </Notice>
  );
}

function Segment({ segment, teacher }: { readonly segment: InputSegment; readonly teacher: string | null }) {
  const { kind, count } = segment;
  if (kind !== 'tokens') return <p>{positionsText(kind, count)}</p>;
  const { part, tokens, unknown } = segment;
  const name = `${partName(part, teacher)}: ${count === 1 ? '1 token' : `${integer(count)} tokens`}`;
  return (
    <>
      <p>
        {name}
        {unknown.count > 0 && `, ${integer(unknown.count)} unknown`}
      </p>
      <TokenItems tokens={tokens} count={count} label={name} />
    </>
  );
}

const positionsText = (kind: 'added' | 'latents', count: number): string =>
  kind === 'latents'
    ? `${count === 1 ? '1 latent' : `${integer(count)} latents`}, made from hidden states: positions without a token`
    : `${count === 1 ? '1 added token' : `${integer(count)} added tokens`}, outside the vocabulary: an embedding of its own in place of an id`;

const NAMES: Readonly<Record<Extract<InputPart, string>, string>> = {
  question: 'Question',
  rationale: 'Rationale',
  taught: 'Rationale',
  prompt: 'Answer prompt',
  answer: 'Answer',
  fed: 'Fed after the question',
};

/** Of targets that only some methods have. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  text: 'Text that is learned',
  steps: 'Steps, as targets of the latents',
  gold: 'Tokens told to the latents',
};

function partName(part: InputPart, teacher: string | null): string {
  if (typeof part !== 'string') return OWN_NAMES[part.own] ?? `Targets “${part.own}”`;
  return part === 'taught' ? `Rationale, as the teacher ${teacher ?? ''} reads it` : NAMES[part];
}
