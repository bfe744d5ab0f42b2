import { useState } from 'react';
import { DropZone, FileTrigger, Text } from 'react-aria-components';
import type { NamedFile } from '../../../contract/lens';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { filesOf, filesOfDrop } from './files';
import { ModelCard } from './ModelCard';

/** Another model, from the user's own files. */
export function OpenModelCard() {
  const opened = useApp((state) => state.lens.opened);
  const { openCheckpoint, cancelOpening, goTo } = useActions();
  const [nothing, setNothing] = useState(false);
  const busy = isBusy(opened);
  const take = async (files: Promise<readonly NamedFile[]> | readonly NamedFile[]) => {
    const found = await files;
    setNothing(found.length === 0);
    if (found.length > 0) await openCheckpoint(found);
  };
  return (
    <>
      <Panel
        title="Open a model"
        about="A LLaMA or Qwen2 checkpoint in Hugging Face format, or an ONNX export of a decoder, to be looked at. It stays in this browser and replaces the one opened before. Low-rank and its causal test can use it; Distil and Latents use the bundled pair."
      >
        <DropZone
          className="model-drop"
          isDisabled={busy}
          onDrop={({ items }) => void take(filesOfDrop(items))}
        >
          <Text slot="label">Drop a folder here, or its files</Text>
          <span className="help">
            config.json, *.safetensors (or *.onnx with its data), tokenizer.json and tokenizer_config.json
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
            None of these files belongs to a checkpoint. Choose config.json, *.safetensors and tokenizer.json.
          </p>
        )}
        {busy && (
          <Progress
            label="Opening the model"
            {...opened.progress}
            onCancel={cancelOpening}
            cancelLabel="Cancel opening"
            isCancelling={opened.status === 'cancelling'}
          />
        )}
        {opened.status === 'failed' && !nothing && (
          <ErrorNotice title="The model was not opened" error={opened.error} />
        )}
      </Panel>
      {opened.value && (
        <ModelCard
          model={opened.value}
          actions={<Button onPress={() => goTo('lowrank')}>See its hidden states</Button>}
        />
      )}
    </>
  );
}
