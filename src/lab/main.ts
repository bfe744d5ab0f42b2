import { lab } from './lab';

// The reader may stop reading: `npm run lab -- --help | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

lab(process.argv.slice(2)).catch((error: unknown) => {
  const { message, hint } = error as Error & { hint?: string };
  process.stderr.write(
    `${process.env.LORI_DEBUG ? (error as Error).stack : message}\n${hint ? `${hint}\n` : ''}`,
  );
  process.exitCode = 1;
});
