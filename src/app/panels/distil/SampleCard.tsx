import { useState } from 'react';
import { useRunInputs } from '../../store/use-run-inputs';
import { Button } from '../../ui/Button';
import { integer } from '../../ui/format';
import { Panel } from '../../ui/Panel';
import { ReadInputs } from '../shared/RunInputs';

/** What the run of the form will read: its training samples, one at a time, token by token. */
export function SampleCard() {
  const [isOpen, setOpen] = useState(false);
  return (
    <Panel
      title="Tokens of a sample"
      about="The training samples of this run as its batches have them, segment by segment. Which segments a step reads, the drawing shows."
    >
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Show the tokens</summary>
        {isOpen && <Samples />}
      </details>
    </Panel>
  );
}

function Samples() {
  const [index, setIndex] = useState(0);
  const read = useRunInputs({ kind: 'training', index });
  const inputs = read?.outcome.inputs ?? null;
  const last = inputs?.samples == null ? index : inputs.samples - 1;
  return (
    <div className="run-inputs">
      <nav className="actions" aria-label="Training samples">
        <Button isDisabled={index === 0} onPress={() => setIndex(index - 1)}>
          Previous
        </Button>
        <Button isDisabled={inputs === null || index >= last} onPress={() => setIndex(index + 1)}>
          Next
        </Button>
        {inputs && inputs.samples !== null && !read?.isStale && (
          <span>
            {inputs.id}, sample {integer(index + 1)} of {integer(inputs.samples)}
          </span>
        )}
        {read?.outcome.error && index > 0 && <Button onPress={() => setIndex(0)}>First</Button>}
      </nav>
      {read === null ? <p className="help">Reading the tokens …</p> : <ReadInputs read={read} />}
    </div>
  );
}
