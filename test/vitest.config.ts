import { defineConfig } from 'vitest/config';

// fast: `npm test`, under four minutes on two cores. full: soaks, kill rounds, full-size properties.
// peers: against servers from other ecosystems, which `.ci/peers` brings.
export default defineConfig({
  test: {
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['test/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: 'full', include: ['test/**/*.full.ts'], testTimeout: 900_000, maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: 'peers', include: ['test/**/*.peer.ts'], testTimeout: 60_000, fileParallelism: false },
      },
    ],
  },
});
