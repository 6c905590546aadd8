import type { Metafile } from 'esbuild';

export function buildAuthorizer(outdir: string, root?: string): Promise<Metafile['outputs']>;
