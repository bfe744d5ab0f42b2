import type { DropItem } from 'react-aria-components';
import { expect, it } from 'vitest';
import { droppedFile as dropped, droppedFolder as folder } from '../shared/dropped.testing';
import { filesOf, filesOfDrop } from './files';

const file = (path: string): File => {
  const made = new File(['x'], path.split('/').at(-1)!);
  Object.defineProperty(made, 'webkitRelativePath', { value: path.includes('/') ? path : '' });
  return made;
};

const names = (files: readonly { readonly name: string }[]) => files.map(({ name }) => name);

it('takes the files at the top of a folder, and no others', async () => {
  const chosen = ['s/config.json', 's/model.safetensors', 's/LICENSE', 's/f16/model.safetensors'].map(file);
  expect(names(filesOf(chosen))).toEqual(['config.json', 'model.safetensors']);
  const inner = folder('f16', [dropped('model.safetensors')]);
  const outer = folder('s', [
    dropped('config.json'),
    inner,
    dropped('README.md'),
    dropped('model.safetensors'),
  ]);
  const found = await filesOfDrop([outer]);
  expect(names(found)).toEqual(['config.json', 'model.safetensors']);
  expect(found[0]!.data.size).toBe(1);
  expect([...filesOf(chosen), ...found].map((one) => one.folder)).toEqual(['s', 's', 's', 's']);
});

it('takes single files, and nothing of what is none of a checkpoint', async () => {
  expect(names(filesOf([file('config.json'), file('photo.png')]))).toEqual(['config.json']);
  const text = { kind: 'text', types: new Set(['text/plain']), getText: async () => 'x' } as DropItem;
  expect(names(await filesOfDrop([dropped('tokenizer.json'), dropped('photo.png'), text]))).toEqual([
    'tokenizer.json',
  ]);
});

it('takes the exports in the folder onnx, and nothing else of it', async () => {
  const inner = ['model_q4.onnx', 'model.onnx_data', 'model.onnx_data_1', 'config.json', 'notes.txt'];
  const wanted = ['config.json', 'model_q4.onnx', 'model.onnx_data', 'model.onnx_data_1'];
  const chosen = ['s/config.json', ...inner.map((name) => `s/onnx/${name}`), 's/other/model.onnx'].map(file);
  expect(names(filesOf(chosen))).toEqual(wanted);
  const outer = folder('s', [dropped('config.json'), folder('onnx', inner.map(dropped))]);
  expect(names(await filesOfDrop([outer]))).toEqual(wanted);
});
