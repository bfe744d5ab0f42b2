import { useState } from 'react';
import { DropZone, FileTrigger, Text } from 'react-aria-components';
import type { NamedFile } from '../../../../contract/lens';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { filesOf, filesOfDrop } from '../files';

/** A folder or its files, dropped or chosen. */
export function FilesSource() {
  const busy = useApp((state) => isBusy(state.lens.opened));
  const { openFiles } = useActions();
  const [nothing, setNothing] = useState(false);
  const take = async (files: Promise<readonly NamedFile[]> | readonly NamedFile[]) => {
    const found = await files;
    setNothing(found.length === 0);
    if (found.length > 0) await openFiles(found);
  };
  return (
    <>
      <DropZone
        className="drop-zone model-drop"
        isDisabled={busy}
        onDrop={({ items }) => void take(filesOfDrop(items))}
      >
        <Text slot="label">Drop a folder here, or its files</Text>
        <span className="help">
          config.json, *.safetensors (with the index file, if there are several), tokenizer.json and
          tokenizer_config.json. An ONNX export (*.onnx with its data, also in a folder “onnx”) opens instead
          of safetensors, for hidden states and generation only. A PEFT adapter (adapter_config.json,
          adapter_model.safetensors or adapter_model.bin) is merged into the base that is dropped with it, or
          into the model that is open. Published latent-reasoning students (pytorch_model.bin, checkpoint_N)
          and what is exported here (.zip) open too. Files are read in place, not copied or uploaded.
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
    </>
  );
}
