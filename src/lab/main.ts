import { lab } from './lab';

lab(process.argv.slice(2)).catch((error: unknown) => {
  const { message, hint } = error as Error & { hint?: string };
  process.stderr.write(
    `${process.env.LORI_DEBUG ? (error as Error).stack : message}\n${hint ? `${hint}\n` : ''}`,
  );
  process.exitCode = 1;
});
