import { Owned } from '../base/owned';
import { liveNodes } from '../graph/graph';
import type { ModelOnDevice } from '../model/model-on-device';
import { BoundInputs } from '../runtime/bound-inputs';
import type { DeviceTensor } from '../runtime/tensor';
import type { TapeOutput, TapeRun } from './step';
import { tapeFeeds, tapeMasks } from './tape/inputs';
import type { Tape } from './tape/tape';
import { traceTape } from './tape/whole';

/**
 * The tape as one program, fastest for models of a few layers. Frees everything if it fails.
 * @param beside bytes that other programs of the model may take while it runs, by default any
 */
export function compileWhole(
  model: ModelOnDevice,
  tape: Tape,
  name: string,
  beside?: number,
): Promise<TapeRun> {
  return Owned.while(async (owned) => {
    const { runtime } = model;
    const program = traceTape(tape, name);
    const compiled = owned.add(await model.compile(program, { beside }));
    const made: Record<string, DeviceTensor> = {};
    for (const [output, { dtype, shape }] of compiled.outputs)
      made[output] = owned.add(runtime.empty(dtype, shape, output));
    const inputs = owned.add(new BoundInputs(runtime, (input) => compiled.inputs.has(input)));
    const { all } = tape.parameters;
    const { terms, ...rest } = made;
    const outputs = Object.fromEntries(
      Object.entries(rest).filter(([output]) => !output.startsWith('gradient.')),
    );
    const gradients = terms ? all.map((parameter) => made[`gradient.${parameter.name}`] as DeviceTensor) : [];
    return {
      terms: tape.terms,
      programs: 1,
      nodes: liveNodes(Object.values(program.outputs)).length,
      async run(feeds, parameters, step = 0): Promise<TapeOutput> {
        inputs.writeAll({ ...tapeFeeds(tape, feeds), ...tapeMasks(tape, step) });
        const bound: Record<string, DeviceTensor> = { ...inputs.tensors };
        all.forEach((parameter, i) => {
          if (compiled.inputs.has(parameter.name)) bound[parameter.name] = parameters[i] as DeviceTensor;
        });
        await compiled.run(bound, made);
        return { terms, gradients, outputs };
      },
      dispose: () => owned.dispose(),
    };
  });
}
