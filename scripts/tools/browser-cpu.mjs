/**
 * A command for benches in Chromium (`commands.browserCpu()` of vitest/browser): CPU time so far, in ms, of all processes
 * of the browser together. Work on a software GPU is done by several of them, on several threads.
 */
export async function browserCpu({ context }) {
  const session = await context.browser().newBrowserCDPSession();
  try {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
  } finally {
    await session.detach();
  }
}
