/**
 * The same model with more of its values as outputs. Nodes are copied as they are. Large weights are not copied: those in
 * the file are from then on named as bytes of an other file, which is the model's own, so that ONNX Runtime asks for them
 * one at a time, as it does for those that always were in another file.
 */
import { quote } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { Message } from '../proto';
import type { OnnxModel } from './model';
import type { OnnxTensor } from './places';
import type { Range } from './wire';

/** The name under which weights inside the model's own file are asked for. */
export const OWN_FILE = 'weights-of-the-model-itself';

/** A protobuf message is limited to 2 GiB; a graph without its weights takes some megabytes. */
const MAX_BYTES = 2 ** 29;

/**
 * The bytes of the model with `taps` as further outputs.
 * @throws FileError if it would be too large, or a weight is read from a file called `OWN_FILE`
 */
export async function tappedModel(
  { source, around, parts, tensors, outputs }: OnnxModel,
  taps: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  for (const { data, name } of tensors.values())
    if (data.in === 'other' && data.location === OWN_FILE)
      throw new FileError(`the weight ${quote(name)} is said to lie in ${quote(OWN_FILE)}`);
  const bytes = [...around, ...parts].reduce((n, part) => n + ('name' in part ? 0 : part.to - part.from), 0);
  if (bytes > MAX_BYTES)
    throw new FileError(
      `the graph of the ONNX file takes ${bytes} bytes without its weights; at most ${MAX_BYTES} are read`,
      'Choose another export of the model: its graph holds weights as constants of nodes.',
    );
  const read = ({ from, to }: Range) => source.read(from, to - from);
  const graph = new Message();
  for (const part of parts) {
    if ('name' in part) graph.message(5, elsewhere(part));
    else graph.raw(await read(part));
  }
  const known = new Set(outputs.map(({ name }) => name));
  for (const tap of new Set(taps)) if (!known.has(tap)) graph.message(12, new Message().string(1, tap));
  const model = new Message();
  for (const range of around) model.raw(await read(range));
  return model.message(7, graph).finish();
}

/** A TensorProto whose values are bytes of the model's own file. */
function elsewhere({ name, element, dims, data }: OnnxTensor): Message {
  const tensor = new Message();
  for (const d of dims) tensor.integer(1, d);
  tensor.integer(2, element).string(8, name);
  const { from, to } = data as Extract<OnnxTensor['data'], { in: 'file' }>;
  for (const [key, value] of Object.entries({ location: OWN_FILE, offset: from, length: to - from }))
    tensor.message(13, new Message().string(1, key).string(2, String(value)));
  return tensor.integer(14, 1);
}
