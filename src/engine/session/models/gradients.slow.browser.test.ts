import { webgpuProvider } from '../../testing/providers.testing';
import { describeGradients } from './gradients.testing';

const provider = webgpuProvider();
const on = () => ({ runtime: provider.gpu, device: provider.device });

// As on WASM, see gradients.test.ts; only one case, because compiling is slow here.
describeGradients(/llama/, on, [['int4', 'small programs', 'int4', 1e-4]]);
