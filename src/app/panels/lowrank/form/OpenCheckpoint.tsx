import { useState } from 'react';
import { DropZone, FileTrigger, Text } from 'react-aria-components';
import type { NamedFile } from '../../../../contract/lens';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { bytes, integer, parameters } from '../../../ui/format';
import { Facts } from '../../../ui/Panel';
import { Progress } from '../../../ui/Progress';
import { filesOf, filesOfDrop } from '../files';

/** One more model to look at, from the reader's own files. */
export function OpenCheckpoint() {
  const opened = useApp((state) => state.lens.opened);
  const { openCheckpoint, cancelOpening } = useActions();
  const [nothing, setNothing] = useState(false);
  const busy = isBusy(opened);
  const take = async (files: Promise<readonly NamedFile[]> | readonly NamedFile[]) => {
    const found = await files;
    setNothing(found.length === 0);
    if (found.length > 0) await openCheckpoint(found);
  };
  const model = opened.value;
  return (
    <>
      <DropZone className="lens-drop" isDisabled={busy} onDrop={({ items }) => void take(filesOfDrop(items))}>
        <Text slot="label">Drop a checkpoint here: a folder, or its files</Text>
        <span className="help">
          config.json, *.safetensors, tokenizer.json, tokenizer_config.json of a LLaMA or Qwen2 model. They
          stay in this browser.
        </span>
        <div className="actions">
          <FileTrigger acceptDirectory onSelect={(list) => void take(filesOf(list ?? []))}>
            <Button isDisabled={busy}>Choose a folder</Button>
          </FileTrigger>
          <FileTrigger allowsMultiple onSelect={(list) => void take(filesOf(list ?? []))}>
            <Button isDisabled={busy}>Choose files</Button>
          </FileTrigger>
        </div>
      </DropZone>
      {nothing && (
        <p role="alert" className="field-error">
          None of these is a file of a checkpoint: config.json, *.safetensors and tokenizer.json are expected.
        </p>
      )}
      {busy && (
        <Progress
          label="Opening the checkpoint"
          {...opened.progress}
          onCancel={cancelOpening}
          cancelLabel="Cancel opening"
          isCancelling={opened.status === 'cancelling'}
        />
      )}
      {opened.status === 'failed' && !nothing && (
        <ErrorNotice title="The checkpoint was not opened" error={opened.error} />
      )}
      {model && (
        <Facts
          items={[
            ['Opened', <strong key="n">{model.name}</strong>],
            ['Architecture', `${model.modelType}, ${model.tied ? 'tied' : 'untied'} head`],
            ['Blocks × hidden', `${model.layers} × ${integer(model.hidden)}`],
            ['Size', `${parameters(model.parameters)} parameters, ${bytes(model.bytes)}`],
            ['Vocabulary', `${integer(model.vocabulary)} tokens`],
            [
              'SHA-256',
              <code key="h" className="hash">
                {model.sha256}
              </code>,
            ],
          ]}
        />
      )}
    </>
  );
}
