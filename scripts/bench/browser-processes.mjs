import { readdirSync, readFileSync } from 'node:fs';

/** Renderer and GPU process of the browser with this profile's folder: resident megabytes, now and at most, and seconds of processor time. */
export function processesOf(profile) {
  const found = { renderer: { mb: 0, peak: 0, cpu: 0 }, gpu: { mb: 0, peak: 0, cpu: 0 } };
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(pid, { line, status, parent: /PPid:\s+(\d+)/.exec(status)?.[1] });
    } catch {
      // It has ended in the meantime.
    }
  }
  const ours = (pid) => {
    for (let at = parents.get(pid); at; at = parents.get(at.parent))
      if (at.line.includes(profile)) return true;
    return false;
  };
  for (const [pid, { line, status }] of parents) {
    const kind = line.includes('--type=renderer') ? 'renderer' : line.includes('--type=gpu') ? 'gpu' : null;
    if (!kind || !ours(pid)) continue;
    const megabytes = (field) =>
      (Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024) / 1e6;
    const mb = megabytes('VmRSS');
    if (mb < found[kind].mb) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      found[kind] = { mb, peak: megabytes('VmHWM'), cpu: (Number(stat[11]) + Number(stat[12])) / 100 };
    } catch {
      // It has ended in the meantime.
    }
  }
  return found;
}

/** Watches them. @returns the peaks so far, an end, and a way to begin anew */
export function watchPeaks(profile) {
  const peak = { renderer: 0, gpu: 0 };
  const timer = setInterval(() => {
    const { renderer, gpu } = processesOf(profile);
    peak.renderer = Math.max(peak.renderer, renderer.mb);
    peak.gpu = Math.max(peak.gpu, gpu.mb);
  }, 200);
  return {
    peak,
    end: () => clearInterval(timer),
    restart: () => Object.assign(peak, { renderer: 0, gpu: 0 }),
  };
}
