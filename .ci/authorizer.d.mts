import type { Metafile } from 'esbuild';

export function buildAuthorizer(outdir: string): Promise<Metafile['outputs']>;
