import './export-model.css';
import { useState } from 'react';
import type { Subject } from '../../../contract/lens';
import { EXPORT_DTYPES, type ExportDType, type ModelFileRequest, ONNX_LENGTH } from '../../store/model-file';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { download } from '../../ui/download';
import { RangedField } from './RangedField';
import { WrittenFile } from './WrittenFile';

const DTYPES: Readonly<Record<ExportDType, { readonly label: string; readonly about: string }>> = {
  f32: { label: 'float32', about: 'As it is computed here; 4 bytes per weight.' },
  f16: {
    label: 'float16',
    about: 'Rounded to 11 bits; 2 bytes per weight. Refused for weights beyond 65504.',
  },
  bf16: { label: 'bfloat16', about: 'Rounded to 8 bits, of float32’s range; 2 bytes per weight.' },
};

/** A student, or a model, as files for other programs: PEFT adapter, merged model, ONNX graph. */
export function ExportModel({ subject }: { readonly subject: Subject }) {
  const { task, subject: of } = useApp((state) => state.modelFile);
  const { exportModel, cancelModelExport } = useActions();
  const [dtype, setDType] = useState<ExportDType>('f32');
  const [length, setLength] = useState<number>(ONNX_LENGTH.default);
  const busy = isBusy(task);
  const own = of === subject.kind;
  const isWrong = !Number.isInteger(length) || length < ONNX_LENGTH.min || length > ONNX_LENGTH.max;
  const write = async (request: Omit<ModelFileRequest, 'subject'>) => {
    const made = await exportModel({ subject, ...request });
    if (made) download(made.name, made.blob, made.blob.type);
  };
  const isStudent = subject.kind === 'student';
  return (
    <>
      <div className="export-fields">
        <Choice
          label="Weights of a merged model"
          value={dtype}
          options={EXPORT_DTYPES.map((id) => ({ id, ...DTYPES[id] }))}
          onChange={setDType}
        />
        <RangedField
          label="Positions of an ONNX graph"
          whole
          unit="tokens"
          range={[ONNX_LENGTH.min, ONNX_LENGTH.max]}
          usual={ONNX_LENGTH.default}
          help="The graph has one length; shorter texts are padded on the right."
          value={length}
          onChange={setLength}
          {...(isWrong && { error: `A whole number from ${ONNX_LENGTH.min} to ${ONNX_LENGTH.max}.` })}
        />
      </div>
      <div className="actions">
        {isStudent && (
          <Button isDisabled={busy} onPress={() => void write({ format: 'peft' })}>
            Adapter (PEFT)
          </Button>
        )}
        <Button isDisabled={busy} onPress={() => void write({ format: 'merged', dtype })}>
          Merged model (safetensors)
        </Button>
        <Button isDisabled={busy || isWrong} onPress={() => void write({ format: 'onnx', length })}>
          ONNX graph
        </Button>
      </div>
      {own && <WrittenFile task={task} label="Writing the file" onCancel={cancelModelExport} />}
    </>
  );
}
