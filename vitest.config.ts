import { defineConfig } from 'vitest/config'

/** Suites that start processes share one user's kernel limits: their files run one after the other. */
const serial = {
  pool: 'forks',
  poolOptions: { forks: { singleFork: true } },
  testTimeout: 60_000,
  hookTimeout: 120_000,
} as const

/** What root may do, too: scripts/test runs it beside the others, which run as an ordinary user. */
const asRoot = { test: { name: 'root', include: ['test/root/**/*.test.ts'], ...serial } }

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], testTimeout: 10_000 } },
      { test: { name: 'native', include: ['test/native/**/*.test.ts'], ...serial } },
      { test: { name: 'cli', include: ['test/cli/**/*.test.ts'], ...serial } },
      { test: { name: 'security', include: ['test/security/**/*.test.ts'], ...serial } },
      { test: { name: 'crash', include: ['test/crash/**/*.test.ts'], ...serial, testTimeout: 600_000 } },
      ...(process.getuid?.() === 0 ? [asRoot] : []),
    ],
  },
})
