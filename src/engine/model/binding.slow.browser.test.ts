import { webgpuProvider } from '../testing/providers.testing';
import { describeBinding } from './binding.testing';

const provider = webgpuProvider();

// Compiling is slow here: one family.
describeBinding(() => ({ runtime: provider.gpu, device: provider.device }), /llama/);
