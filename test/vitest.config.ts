import { defineConfig } from 'vitest/config';

// fast: `npm test`, under four minutes on two cores. full: soaks, kill rounds, full-size properties.
// peers: against servers from other ecosystems, which `.ci/peers` brings.
// Time limits tell what hangs from what is slow: no test is to come near its own.
export default defineConfig({
  test: {
    env: {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      // Whoever runs the tests may have profiles, keys and roles: the SDK finds none of them.
      AWS_PROFILE: '',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    hookTimeout: 600_000,
    root: new URL('..', import.meta.url).pathname,
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['test/**/*.test.ts'], testTimeout: 120_000, maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: 'full', include: ['test/**/*.full.ts'], testTimeout: 1_800_000, maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: 'peers', include: ['test/**/*.peer.ts'], testTimeout: 600_000, fileParallelism: false },
      },
    ],
  },
});
